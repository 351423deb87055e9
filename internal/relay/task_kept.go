package relay

import (
	"context"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// kept is what accepted calls have reserved of quotas and rate limits: a task counts as under way from its acceptance to its
// end. It is in memory, as windows are; Remember reserves quotas again after a restart.
type kept struct {
	mu    sync.Mutex
	tasks map[id.ID]limited
}

// put takes over what a call has reserved.
func (k *kept) put(task id.ID, l *limited) {
	mine := *l
	*l = limited{}
	if !mine.budget.Open() && len(mine.subjects) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tasks == nil {
		k.tasks = map[id.ID]limited{}
	}
	k.tasks[task] = mine
}

// take hands over what was reserved for a task; the zero value when this process has nothing of it.
func (k *kept) take(task id.ID) limited {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.tasks[task]
	delete(k.tasks, task)
	return l
}

func (k *kept) has(task id.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, found := k.tasks[task]
	return found
}

func (k *kept) all() []id.ID {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]id.ID, 0, len(k.tasks))
	for task := range k.tasks {
		out = append(out, task)
	}
	return out
}

// forget ends what was reserved for a task that this node does not run. Its acceptance stays a request.
func (k *kept) forget(task id.ID) {
	l := k.take(task)
	l.budget.Release()
	l.admission.End(limits.Weights{Requests: 1}, limits.Weights{})
}

// rememberAtOnce is how many tasks are read at a time.
const rememberAtOnce = 500

// Remember reserves, of quotas, what tasks can cost that an earlier process accepted and that have not ended. It is called
// before this process admits calls, so that they leave to the tasks what these were promised.
func (w *Worker) Remember(ctx context.Context) error {
	if w.relay.guard == nil {
		return nil
	}
	for after := (id.ID{}); ; {
		works, err := w.desk.Here(ctx, after, rememberAtOnce)
		if err != nil || len(works) == 0 {
			return err
		}
		for i := range works {
			w.remember(ctx, &works[i])
		}
		after = works[len(works)-1].TaskID
	}
}

// remember reserves for one task. One whose user or key is disabled, or whose limits cannot be read, is refused when it is
// run.
func (w *Worker) remember(ctx context.Context, v *tasks.Work) {
	principal, err := w.actors.Acting(ctx, v.UserID, v.APIKeyID)
	if err != nil || w.relay.kept.has(v.TaskID) {
		return
	}
	guard := w.relay.guard
	var l limited
	if l.subjects, err = guard.CallerLimits(ctx, principal); err != nil {
		return
	}
	l.caller = len(l.subjects)
	if err = guard.Budgets.Resume(ctx, &l.budget, v.CreatedAt, l.subjects, v.Currency, v.Amount); err == nil {
		w.relay.kept.put(v.TaskID, &l)
	}
}

// TidyTasks forgets what is reserved for tasks that others run or that have ended.
func (w *Worker) TidyTasks(ctx context.Context) error {
	gone, err := w.desk.Elsewhere(ctx, w.relay.kept.all())
	for _, task := range gone {
		w.relay.kept.forget(task)
	}
	return err
}
