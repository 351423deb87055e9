package relay

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// retryBudget bounds attempts beyond the first of each request, so that an outage is not multiplied by those who try
// again: while nothing succeeds there are at most 1.2 × requests + 3 attempts. An attempt that succeeds costs nothing, so
// failing over to what is well is never refused: who finds the budget used up by others' attempts waits for what becomes
// of them. It counts in fifths of an attempt.
type retryBudget struct {
	units atomic.Int64

	mu     sync.Mutex
	flying int           // attempts that were paid and have not ended
	news   chan struct{} // closed when one ends; nil: nobody waits
}

const (
	// fifths are the units of one attempt, so that each request adds one.
	fifths = 5
	// budgetStart and budgetMost are in attempts.
	budgetStart = 3
	budgetMost  = 1000
	// budgetKept is what trying the same target again leaves for going elsewhere, and budgetKeptBusy what it leaves while
	// others are on their way.
	budgetKept     = 2
	budgetKeptBusy = 20
	// budgetPatience is how long an attempt waits for others'.
	budgetPatience = 30 * time.Second
)

func newRetryBudget() *retryBudget {
	b := &retryBudget{}
	b.units.Store(budgetStart * fifths)
	return b
}

// request adds a fifth of an attempt.
func (b *retryBudget) request() {
	if b.units.Load() < budgetMost*fifths {
		b.units.Add(1)
	}
}

// spend takes one attempt, waiting while others' attempts may give one back. It reports false when there is none.
func (b *retryBudget) spend(ctx context.Context) bool {
	var patience *time.Timer
	for {
		news, ok := b.take()
		if news == nil {
			return ok
		}
		if patience == nil {
			patience = time.NewTimer(budgetPatience)
			defer patience.Stop()
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false
		case <-patience.C:
			return false
		}
	}
}

// spare takes one attempt for the same target, if enough are left for other targets. It does not wait.
func (b *retryBudget) spare() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := int64(budgetKept)
	if b.flying > 0 {
		kept = budgetKeptBusy
	}
	if b.units.Load() < (1+kept)*fifths {
		return false
	}
	b.units.Add(-fifths)
	b.flying++
	return true
}

// take takes one attempt if there is one. Otherwise it returns what to wait for; nil when nothing is under way that could
// give one back.
func (b *retryBudget) take() (news <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.units.Load() >= fifths { // only request adds to it without the lock
		b.units.Add(-fifths)
		b.flying++
		return nil, true
	}
	if b.flying == 0 {
		return nil, false
	}
	if b.news == nil {
		b.news = make(chan struct{})
	}
	return b.news, false
}

// repay ends an attempt that was paid, and gives it back when it succeeded.
func (b *retryBudget) repay(succeeded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
	if succeeded {
		b.units.Add(fifths)
	}
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// left is how many attempts there are.
func (b *retryBudget) left() int64 { return b.units.Load() / fifths }
