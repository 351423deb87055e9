package tasks

import (
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// hub tells who follows a task on this node that it has news. The zero value is ready.
type hub struct {
	mu      sync.Mutex
	waiting map[id.ID][]chan struct{}
}

// Follow returns a channel that has something in it after the task has news, and a function that ends that. What other nodes
// write is not told.
func (d *Desk) Follow(task id.ID) (news <-chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	d.hub.add(task, c)
	return c, func() { d.hub.remove(task, c) }
}

func (h *hub) add(task id.ID, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[id.ID][]chan struct{}{}
	}
	h.waiting[task] = append(h.waiting[task], c)
}

func (h *hub) remove(task id.ID, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var left []chan struct{}
	for _, other := range h.waiting[task] {
		if other != c {
			left = append(left, other)
		}
	}
	if h.waiting[task] = left; left == nil {
		delete(h.waiting, task)
	}
}

func (h *hub) signal(task id.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.waiting[task] {
		select {
		case c <- struct{}{}:
		default: // it has been told and has not looked yet
		}
	}
}
