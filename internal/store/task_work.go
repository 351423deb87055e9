package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

var _ tasks.WorkStore = (*Tasks)(nil)

type workRow struct {
	bun.BaseModel `bun:"table:task_work"`

	TaskID    id.ID
	TenantID  id.ID
	UserID    id.ID
	APIKeyID  id.ID `bun:"api_key_id"`
	WalletID  id.ID
	Currency  money.Currency
	Amount    money.Amount
	Kind      inference.Kind
	Dialect   inference.Dialect
	Path      string
	Header    document
	Body      []byte
	Address   string
	Node      string
	Run       int64
	ExpiresAt stamp
	Canceling bool
	Sent      document
	CreatedAt stamp
	Live      bool `bun:",scanonly"`
}

func (r workRow) value() (tasks.Work, error) {
	w := tasks.Work{
		TaskID: r.TaskID, TenantID: r.TenantID, UserID: r.UserID, APIKeyID: r.APIKeyID, WalletID: r.WalletID,
		Currency: r.Currency, Amount: r.Amount, Kind: r.Kind, Dialect: r.Dialect, Path: r.Path,
		Body: r.Body, Address: r.Address, CreatedAt: r.CreatedAt.time(), Node: r.Node, Run: r.Run, Live: r.Live,
		Canceling: r.Canceling,
	}
	if len(r.Header) > 0 {
		if err := json.Unmarshal(r.Header, &w.Header); err != nil {
			return w, err
		}
	}
	if len(r.Sent) > 0 {
		return w, json.Unmarshal(r.Sent, &w.Sent)
	}
	return w, nil
}

func workOf(w *tasks.Work) (*workRow, error) {
	header, err := json.Marshal(w.Header)
	if err != nil {
		return nil, err
	}
	return &workRow{
		TaskID: w.TaskID, TenantID: w.TenantID, UserID: w.UserID, APIKeyID: w.APIKeyID, WalletID: w.WalletID,
		Currency: w.Currency, Amount: w.Amount, Kind: w.Kind, Dialect: w.Dialect, Path: clean(w.Path),
		Header: header, Body: append([]byte{}, w.Body...), Address: w.Address,
		CreatedAt: stampOf(w.CreatedAt),
	}, nil
}

// moment is the present by the clock that all nodes share, in microseconds.
func (d *database) moment() schema.QueryWithArgs {
	if d.engine == postgres {
		return bun.SafeQuery("now_micros()")
	}
	return bun.SafeQuery("?", d.clock().UnixMicro())
}

// WorkInsert implements tasks.WorkStore.
func (s *Tasks) WorkInsert(ctx context.Context, t tx.Tx, a *tasks.Acceptance) error {
	if a.Replay != nil {
		if err := s.replayTake(ctx, in(t), a.Replay); err != nil {
			return err
		}
	}
	if err := s.workHold(ctx, in(t), a.Work.WalletID, a.Work.Amount); err != nil {
		return err
	}
	if _, err := s.execEach(ctx, in(t), taskInsert, [][]any{taskValues(&a.Task)}); err != nil {
		return failure(err)
	}
	if a.Kept != nil {
		if _, err := s.execEach(ctx, in(t), keptPut, [][]any{keptValues(a.Kept)}); err != nil {
			return failure(err)
		}
	}
	row, err := workOf(&a.Work)
	if err != nil {
		return err
	}
	return insert(ctx, in(t), row)
}

// replayTake makes the key stand for the task, unless it stands for something already.
func (d *database) replayTake(ctx context.Context, t *transaction, v *tasks.Replay) error {
	put, err := d.execEach(ctx, t, replayPut, [][]any{replayValues(v)})
	if err != nil {
		return failure(err)
	}
	if put[0] == 0 {
		return tasks.ErrRepeat
	}
	return nil
}

var accountHold = newStatement(`UPDATE account SET held = held + CAST(? AS BIGINT)
	WHERE id = ? AND kind = 'wallet' AND status IN ('', 'active') AND posted + overdraft - held >= CAST(? AS BIGINT)`)

// workHold moves money from spendable to held.
func (s *Tasks) workHold(ctx context.Context, t *transaction, account id.ID, amount money.Amount) error {
	if amount == 0 {
		return nil
	}
	held, err := s.execEach(ctx, t, accountHold, [][]any{{int64(amount), arg(account), int64(amount)}})
	if err != nil {
		return failure(err)
	}
	if held[0] == 0 {
		return s.whyNotHeld(ctx, t, account)
	}
	return nil
}

func (s *Tasks) whyNotHeld(ctx context.Context, t *transaction, account id.ID) error {
	var status string
	if err := t.NewSelect().Table("account").Column("status").Where("id = ?", account).Scan(ctx, &status); err != nil {
		return failure(err)
	}
	if status != "" && status != "active" {
		return wallet.ErrDisabled
	}
	return wallet.ErrInsufficient
}

// WorkLock implements tasks.WorkStore.
func (s *Tasks) WorkLock(ctx context.Context, t tx.Tx, task id.ID) (tasks.Work, error) {
	var row workRow
	query := in(t).NewSelect().Model(&row).ColumnExpr("?TableAlias.*").
		ColumnExpr("COALESCE(expires_at > ?, ?) AS live", s.moment(), false).Where("task_id = ?", task)
	if s.engine == postgres {
		query.For("UPDATE")
	}
	if err := query.Scan(ctx); err != nil {
		return tasks.Work{}, failure(err)
	}
	return row.value()
}

// WorkUpdate implements tasks.WorkStore.
func (s *Tasks) WorkUpdate(ctx context.Context, t tx.Tx, w *tasks.Work, lease time.Duration) error {
	var sent document
	if w.Sent != nil {
		b, err := json.Marshal(w.Sent)
		if err != nil {
			return err
		}
		sent = b
	}
	query := in(t).NewUpdate().Table("task_work").Set("node = ?", w.Node).Set("run = ?", w.Run).
		Set("canceling = ?", w.Canceling).Set("sent = ?", sent).Where("task_id = ?", w.TaskID)
	if lease > 0 {
		query.Set("expires_at = ? + ?", s.moment(), lease.Microseconds())
	} else {
		query.Set("expires_at = NULL")
	}
	return touched(query.Exec(ctx))
}

// WorkGrow implements tasks.WorkStore.
func (s *Tasks) WorkGrow(ctx context.Context, t tx.Tx, w *tasks.Work, by money.Amount) error {
	if err := s.workHold(ctx, in(t), w.WalletID, by); err != nil {
		return err
	}
	return touched(in(t).NewUpdate().Table("task_work").Set("amount = amount + ?", by).Where("task_id = ?", w.TaskID).Exec(ctx))
}

// WorkBeat implements tasks.WorkStore.
func (s *Tasks) WorkBeat(ctx context.Context, node string, of []id.ID, lease time.Duration) ([]id.ID, error) {
	_, err := s.writer.NewUpdate().Table("task_work").Set("expires_at = ? + ?", s.moment(), lease.Microseconds()).
		Where("task_id IN (?) AND node = ? AND expires_at > ?", bun.List(of), node, s.moment()).Exec(ctx)
	if err != nil {
		return nil, failure(err)
	}
	return s.workIDs(ctx, s.reader.NewSelect().Where("task_id IN (?) AND node = ? AND canceling", bun.List(of), node))
}

// WorkDrop implements tasks.WorkStore.
func (s *Tasks) WorkDrop(ctx context.Context, node string) error {
	query := s.writer.NewUpdate().Table("task_work").Set("expires_at = 0").Where("expires_at IS NOT NULL")
	if node != "" {
		query.Where("node = ?", node)
	}
	_, err := query.Exec(ctx)
	return failure(err)
}

// WorkLost implements tasks.WorkStore.
func (s *Tasks) WorkLost(ctx context.Context, limit int) ([]id.ID, error) {
	return s.workIDs(ctx, s.reader.NewSelect().Where("expires_at <= ?", s.moment()).Order("expires_at").Limit(int64(limit)))
}

// WorkWaiting implements tasks.WorkStore. What is open is a small table; the wide one is asked for its rows alone.
func (s *Tasks) WorkWaiting(ctx context.Context) (map[id.ID]int64, error) {
	var rows []struct {
		PlatformModelID id.ID
		Waiting         int64
	}
	err := s.reader.NewSelect().TableExpr("task_work").Join("JOIN task ON task.id = task_work.task_id").
		ColumnExpr("task.platform_model_id, COUNT(*) AS waiting").
		Where("task.status = ? AND task.platform_model_id IS NOT NULL", tasks.Queued).
		GroupExpr("task.platform_model_id").Scan(ctx, &rows)
	out := make(map[id.ID]int64, len(rows))
	for _, row := range rows {
		out[row.PlatformModelID] = row.Waiting
	}
	return out, failure(err)
}

// WorkHere implements tasks.WorkStore.
func (s *Tasks) WorkHere(ctx context.Context, node string, after id.ID, limit int) ([]tasks.Work, error) {
	var rows []workRow
	query := s.reader.NewSelect().Model(&rows).ExcludeColumn("body").
		Where("(expires_at IS NULL OR expires_at <= ? OR node = ?)", s.moment(), node).Order("task_id").Limit(int64(limit))
	if !after.IsZero() {
		query.Where("task_id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, failure(err)
	}
	out := make([]tasks.Work, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].value(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// WorkElsewhere implements tasks.WorkStore.
func (s *Tasks) WorkElsewhere(ctx context.Context, node string, of []id.ID) ([]id.ID, error) {
	if len(of) == 0 {
		return nil, nil
	}
	here, err := s.workIDs(ctx, s.reader.NewSelect().
		Where("task_id IN (?) AND (expires_at IS NULL OR node = ?)", bun.List(of), node))
	if err != nil {
		return nil, err
	}
	still := map[id.ID]bool{}
	for _, task := range here {
		still[task] = true
	}
	var gone []id.ID
	for _, task := range of {
		if !still[task] {
			gone = append(gone, task)
		}
	}
	return gone, nil
}

func (s *Tasks) workIDs(ctx context.Context, query *bun.SelectQuery) ([]id.ID, error) {
	var found []id.ID
	err := query.Table("task_work").Column("task_id").Scan(ctx, &found)
	return found, failure(err)
}

// ReplayByClaim implements tasks.WorkStore.
func (s *Tasks) ReplayByClaim(ctx context.Context, claim tasks.Digest, now time.Time) (tasks.Replay, error) {
	found, state, err := (&Replays{s.database}).ReplayClaim(ctx, &tasks.Replay{Claim: claim, CreatedAt: now})
	if err == nil && state != tasks.Answered {
		err = fault.ErrNotFound
	}
	return found, err
}
