package relay

import (
	"context"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// kept is what accepted calls have reserved of quotas and rate limits: a task counts as under way from its acceptance to its
// end. It is in memory, as windows are; who runs a task without it reserves anew.
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

// TidyTasks forgets what is reserved for tasks that others run or that have ended.
func (w *Worker) TidyTasks(ctx context.Context) error {
	gone, err := w.desk.Elsewhere(ctx, w.relay.kept.all())
	for _, task := range gone {
		w.relay.kept.forget(task)
	}
	return err
}
