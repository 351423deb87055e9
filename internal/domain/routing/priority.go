package routing

import (
	"context"
	"fmt"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// maxPriority bounds priorities both ways, so that what demotions add cannot overflow.
const maxPriority = 1_000_000_000

func checkPriority(path string, priority *int64) error {
	if priority != nil && (*priority > maxPriority || *priority < -maxPriority) {
		return invalid(path, fmt.Sprintf("A priority is at most %d, either way.", maxPriority))
	}
	return nil
}

// SetDynamicPriority puts a platform before or behind others until it is reset, which nil does. It is in force when this
// returns. Codes: not_found, invalid_parameter.
func (s *Service) SetDynamicPriority(ctx context.Context, by event.Actor, platform id.ID, priority *int64) (Platform, error) {
	if err := checkPriority("dynamicPriority", priority); err != nil {
		return Platform{}, err
	}
	var next Platform
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := s.stored(ctx, t, by, platform)
		if err != nil {
			return err
		}
		next = old
		next.DynamicPriority, next.UpdatedAt = priority, s.Now()
		if err := s.Store.PlatformPrioritySet(ctx, t, &next); err != nil {
			return err
		}
		return s.platformChangedTx(ctx, t, by, "platform.priority_set", &next, viewPriority(&old), viewPriority(&next))
	})
	return next, err
}

// priorityView is how a platform's place stands in the audit log.
type priorityView struct {
	Name      string `json:"name"`
	Priority  int64  `json:"priority"`
	Dynamic   *int64 `json:"dynamicPriority"`
	Effective int64  `json:"effectivePriority"`
}

func viewPriority(p *Platform) priorityView {
	return priorityView{p.Name, p.Priority, p.DynamicPriority, p.EffectivePriority()}
}
