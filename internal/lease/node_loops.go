package lease

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const (
	// lookEvery is how often a node looks for settlements that nobody folded.
	lookEvery = time.Second
	// foldAtMost is the pause between folds: what arrives meanwhile shares a transaction and one update per wallet.
	foldAtMost = 50 * time.Millisecond
	// lagAlarm is the age of a settlement above which the applier is late.
	lagAlarm   = 2 * time.Second
	pruneEvery = time.Minute
	// listenAgain is the pause after the connection of notices broke.
	listenAgain = time.Second
)

// renewing renews all leases of this node, in one statement, until ctx ends.
func (n *Node) renewing(ctx context.Context) {
	n.every(ctx, n.terms.Renew, func() {
		if err := n.renew(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("leases not renewed", "error", err)
		}
	})
}

func (n *Node) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	asked := map[*purse][]id.ID{}
	var leases []id.ID
	idle := n.now().Add(-n.terms.Idle)
	for _, p := range n.all() {
		p.idle(idle)
		asked[p] = p.renewable()
		leases = append(leases, asked[p]...)
	}
	sent := n.now()
	renewed, err := n.authority.Renew(ctx, n.session, leases)
	if err != nil {
		return err
	}
	kept, recalled := map[id.ID]bool{}, map[id.ID]bool{}
	for _, r := range renewed {
		kept[r.Lease] = true
		recalled[r.Lease] = r.Recalled
	}
	for p, ids := range asked {
		p.renewed(sent, ids, kept)
		for _, lease := range ids {
			if recalled[lease] {
				p.recall()
			}
		}
		n.tend(p)
	}
	return nil
}

// fencing takes back what nodes that are gone have left, and what is old, until ctx ends.
func (n *Node) fencing(ctx context.Context) {
	pruned := n.now()
	n.every(ctx, n.terms.Grace/5, func() {
		fenced, err := n.authority.FenceExpired(ctx)
		if err == nil && n.now().Sub(pruned) >= pruneEvery {
			pruned = n.now()
			err = n.authority.Prune(ctx)
		}
		if fenced > 0 {
			n.log.Warn("leases fenced", "leases", fenced)
		}
		if err != nil && ctx.Err() == nil {
			n.log.Warn("leases not looked after", "error", err)
		}
	})
}

// folding turns settlements into entries of the ledger until ctx ends.
func (n *Node) folding(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-n.work:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := n.fold(ctx); err != nil && ctx.Err() == nil {
			n.log.Error("settlements not folded", "error", err)
		}
		pause := time.NewTimer(foldAtMost)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// fold folds until nothing is left.
func (n *Node) fold(ctx context.Context) error {
	for {
		did, err := n.authority.Fold(ctx)
		if err != nil {
			return err
		}
		if did.Lag > lagAlarm {
			n.log.Warn("settlements are folded late", "lag", did.Lag)
		}
		if did.Failed > 0 {
			n.log.Error("settlements that the ledger refuses", "settlements", did.Failed)
		}
		if did.Settlements == 0 {
			return nil
		}
	}
}

// stirFold has the fold look soon.
func (n *Node) stirFold() {
	select {
	case n.work <- struct{}{}:
	default:
	}
}

// listening hears of wallets near zero until ctx ends. What it misses, the next renewal tells.
func (n *Node) listening(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.authority.Listen(ctx, n.heard)
		if ctx.Err() != nil {
			return
		}
		n.log.Warn("notices of leases interrupted", "error", err)
		pause := time.NewTimer(listenAgain)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func (n *Node) heard(v Notice) {
	p := n.purse(v.Wallet)
	if p == nil {
		return
	}
	if v.Recall {
		p.recall()
	} else {
		p.returned()
	}
	n.tend(p)
}

func (n *Node) every(ctx context.Context, pause time.Duration, f func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// tended waits until no worker is telling the authority something.
func (n *Node) tended(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		n.tending.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close returns what this node does not need and ends its work. Calls must have ended and been settled before; a lease
// that still has some is left to the fence.
func (n *Node) Close(ctx context.Context) error {
	n.stop()
	n.running.Wait()
	n.tended(ctx)
	var errs []error
	for _, p := range n.all() {
		p.recall()
		for trims, _ := p.next(n.now()); len(trims) > 0; trims, _ = p.next(n.now()) {
			err := n.authority.Trim(ctx, n.session, trims)
			p.told(n.now(), trims, err)
			if err != nil {
				errs = append(errs, err)
				break
			}
		}
	}
	if len(errs) > 0 {
		return errs[0]
	}
	return n.fold(ctx)
}
