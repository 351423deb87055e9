package store

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Simulation is the simulator's memory of its jobs; keys are digests.
type Simulation struct{ *database }

// Simulation is the simulator's memory of its jobs.
func (s *Store) Simulation() *Simulation { return &Simulation{s.db} }

type simulationJobRow struct {
	bun.BaseModel `bun:"table:simulation_job"`

	Claim     string
	Job       string
	CreatedAt stamp
}

func (r simulationJobRow) value() string { return r.Job }

type simulationCanceledRow struct {
	bun.BaseModel `bun:"table:simulation_canceled"`

	Job        string
	CanceledAt stamp
}

func (r simulationCanceledRow) value() time.Time { return r.CanceledAt.time() }

// Claim makes job the one that key stands for, unless there is one already, and returns the one there is.
func (s *Simulation) Claim(ctx context.Context, key, job string) (first string, err error) {
	err = s.InTx(ctx, func(t tx.Tx) error {
		row := &simulationJobRow{Claim: key, Job: job, CreatedAt: stampOf(s.clock())}
		if _, err := in(t).NewInsert().Model(row).On("CONFLICT (claim) DO NOTHING").Exec(ctx); err != nil {
			return failure(err)
		}
		first, err = one[string, simulationJobRow](ctx, in(t), "claim = ?", key)
		return err
	})
	return first, err
}

// ByKey returns the job that key stands for.
func (s *Simulation) ByKey(ctx context.Context, key string) (job string, ok bool, err error) {
	job, err = one[string, simulationJobRow](ctx, s.reader, "claim = ?", key)
	return found(job, err)
}

// Cancel notes that a job was canceled, and when; a second time changes nothing.
func (s *Simulation) Cancel(ctx context.Context, job string, at time.Time) error {
	return s.InTx(ctx, func(t tx.Tx) error {
		row := &simulationCanceledRow{Job: job, CanceledAt: stampOf(at)}
		_, err := in(t).NewInsert().Model(row).On("CONFLICT (job) DO NOTHING").Exec(ctx)
		return failure(err)
	})
}

// CanceledAt tells when a job was canceled.
func (s *Simulation) CanceledAt(ctx context.Context, job string) (at time.Time, ok bool, err error) {
	at, err = one[time.Time, simulationCanceledRow](ctx, s.reader, "job = ?", job)
	return found(at, err)
}

// found makes of what need not be there what it is, and whether it is.
func found[V any](v V, err error) (V, bool, error) {
	if errors.Is(err, fault.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}

// Forget deletes what was noted before a time, and tells how much.
func (s *Simulation) Forget(ctx context.Context, before time.Time) (n int, err error) {
	err = s.InTx(ctx, func(t tx.Tx) error {
		for table, column := range map[string]string{"simulation_job": "created_at", "simulation_canceled": "canceled_at"} {
			result, err := in(t).NewDelete().Table(table).Where("? < ?", bun.Ident(column), stampOf(before)).Exec(ctx)
			if err != nil {
				return failure(err)
			}
			deleted, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n += int(deleted)
		}
		return nil
	})
	return n, err
}
