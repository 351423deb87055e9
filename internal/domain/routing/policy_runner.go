package routing

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// RunnerPatch is the runner policy as people enter it.
type RunnerPatch struct {
	PolicyPatch

	Failover, HardStop, PriorityDemote json.RawMessage
}

// RunnerPolicy returns the policy in force; where nobody entered one, what holds then. Its id is zero in that case.
func (s *Service) RunnerPolicy(ctx context.Context) (RunnerPolicy, error) {
	p, err := s.Store.RunnerPolicyGet(ctx)
	if errors.Is(err, fault.ErrNotFound) {
		return RunnerPolicy{Key: "default", Name: "Default runner policy", Status: active}, nil
	}
	return p, err
}

// UpdateRunnerPolicy changes the policy, making it where there is none. Code: invalid_parameter with the path.
func (s *Service) UpdateRunnerPolicy(ctx context.Context, by event.Actor, p RunnerPatch) (RunnerPolicy, error) {
	var next RunnerPolicy
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := s.RunnerPolicy(ctx)
		if err != nil {
			return err
		}
		now, save := s.Now(), s.Store.RunnerPolicyUpdate
		next = old
		if old.ID.IsZero() {
			next.ID, next.CreatedAt, save = id.At(now), now, s.Store.RunnerPolicyInsert
		}
		if err := p.apply(&next, now); err != nil {
			return err
		}
		if err := save(ctx, t, &next); err != nil {
			return err
		}
		return s.policyChangedTx(ctx, t, by, "runner_policy.updated", next.ID, viewRunner(&old), viewRunner(&next))
	})
	return next, err
}

func (p *RunnerPatch) apply(to *RunnerPolicy, now time.Time) error {
	if err := p.check(to.Key, to.Name); err != nil {
		return err
	}
	if p.Status != nil && *p.Status != active {
		return invalid("status", "The runner policy is always active.")
	}
	next := *to
	next.Key, next.Name, next.Description, next.Status = p.texts(to.Key, to.Name, to.Description, to.Status)
	next.Metadata, next.UpdatedAt = entered(p.Metadata, to.Metadata), now
	next.FailoverPolicy, next.HardStopPolicy = entered(p.Failover, to.FailoverPolicy), entered(p.HardStop, to.HardStopPolicy)
	next.PriorityDemotePolicy = entered(p.PriorityDemote, to.PriorityDemotePolicy)
	if _, err := ParseRunner(next); err != nil {
		return err
	}
	*to = next
	return nil
}
