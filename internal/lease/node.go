package lease

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Options of a Node.
type Options struct {
	Authority Authority
	// Name tells this node from the others, such as its host and port; it stays the same when the process starts again.
	Name  string
	Terms Terms
	// Now must have a monotonic part, as clock.System has: leases outlive a change of the machine's time.
	Now clock.Clock
	Log *slog.Logger
}

// Node borrows money for this process and returns it.
type Node struct {
	authority Authority
	session   Session
	terms     Terms
	now       clock.Clock
	log       *slog.Logger
	stop      context.CancelFunc
	running   sync.WaitGroup
	tending   sync.WaitGroup // workers that tend purses
	work      chan struct{}  // stirs the fold

	mu     sync.Mutex
	purses map[id.ID]*purse // by wallet
}

const (
	// askTimeout bounds one question to the authority.
	askTimeout = 2 * time.Second
	// staleAfter is how old the knowledge of a wallet may be that a call's limit is computed from.
	staleAfter = 2 * time.Second
)

// Start registers this process as a node and begins to keep its leases. Close ends that.
func Start(ctx context.Context, o Options) (*Node, error) {
	session, err := o.Authority.Register(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	n := &Node{
		authority: o.Authority, session: session, terms: o.Terms.Normal(), now: o.Now, log: o.Log, stop: stop,
		work: make(chan struct{}, 1), purses: map[id.ID]*purse{},
	}
	for _, loop := range []func(context.Context){n.renewing, n.fencing, n.folding, n.listening} {
		n.running.Go(func() { loop(background) })
	}
	return n, nil
}

// Session is this life of the node.
func (n *Node) Session() Session { return n.session }

// Lend returns the lender of a wallet; it is what wallet.NewLeasedBook asks for.
func (n *Node) Lend(a wallet.Account) wallet.Lender {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.purses[a.ID]
	if p == nil {
		p = newPurse(a.ID, n.terms, a.Posted+a.Overdraft-a.Held, n.now())
		n.purses[a.ID] = p
	}
	return lender{n, p}
}

func (n *Node) purse(w id.ID) *purse {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.purses[w]
}

func (n *Node) all() []*purse {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*purse, 0, len(n.purses))
	for _, p := range n.purses {
		out = append(out, p)
	}
	return out
}

// lender implements wallet.Lender.
type lender struct {
	*Node

	purse *purse
}

var _ wallet.Lender = lender{}

// Spendable implements wallet.Lender.
func (l lender) Spendable() money.Amount {
	now := l.now()
	known, at := l.purse.spendable(now)
	if known > 0 && now.Sub(at) < staleAfter {
		return known
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	offer, err := l.authority.Grant(ctx, l.session, Ask{Wallet: l.purse.wallet})
	if err != nil {
		return known
	}
	l.purse.learn(l.now(), offer.Spendable)
	known, _ = l.purse.spendable(l.now())
	return known
}

// Hold implements wallet.Lender. A call that is free needs no lease.
func (l lender) Hold(amount money.Amount) (id.ID, error) {
	if amount == 0 {
		if l.Spendable() < 0 {
			return id.ID{}, wallet.ErrInsufficient
		}
		return id.ID{}, nil
	}
	lease, w := l.purse.hold(l.now(), amount)
	l.tend(l.purse)
	if w == nil {
		return lease, nil
	}
	<-w.done
	return w.lease, w.err
}

// End implements wallet.Lender.
func (l lender) End(lease id.ID, held, amount money.Amount) money.Amount {
	captured := l.purse.end(l.now(), lease, held, amount)
	l.tend(l.purse)
	return captured
}

// Holds implements wallet.Lender.
func (l lender) Holds() (int64, money.Amount) { return l.purse.holds() }

// Recall implements wallet.Lender.
func (l lender) Recall(ctx context.Context) error {
	if err := l.authority.Recall(ctx, l.purse.wallet); err != nil {
		return err
	}
	deadline := time.NewTimer(l.terms.Recall)
	defer deadline.Stop()
	for {
		offer, err := l.authority.Grant(ctx, l.session, Ask{Wallet: l.purse.wallet})
		if err != nil || !offer.Outstanding {
			return err
		}
		retry := time.NewTimer(retryAfter)
		select {
		case <-retry.C:
		case <-deadline.C:
			retry.Stop()
			return nil // what is out by now is in use, or with a node that is gone: it counts as frozen
		case <-ctx.Done():
			retry.Stop()
			return ctx.Err()
		}
	}
}

// settled is told by the writer what became of a settlement.
func (n *Node) settled(walletID, lease id.ID) {
	if p := n.purse(walletID); p != nil {
		p.settled(lease)
		n.tend(p)
	}
}

func (n *Node) abandon(walletID, lease id.ID) {
	if p := n.purse(walletID); p != nil {
		p.abandon(lease)
	}
}

// tend sees to it that what the purse must tell and ask is told and asked, by one worker at a time.
func (n *Node) tend(p *purse) {
	p.mu.Lock()
	busy := p.busy
	if !busy && !p.stirs(n.now()) {
		p.mu.Unlock()
		return
	}
	p.busy = true
	p.mu.Unlock()
	if busy {
		p.stir()
		return
	}
	n.tending.Go(func() { n.serve(p) })
}

// serve tends a purse until nothing is left to do.
func (n *Node) serve(p *purse) {
	for {
		trims, ask := p.next(n.now())
		switch {
		case len(trims) > 0:
			err := n.trim(trims)
			p.told(n.now(), trims, err)
		case ask != nil:
			n.ask(p, ask)
		default:
			wait, rest := p.rests(n.now())
			if rest {
				return
			}
			timer := time.NewTimer(wait)
			select {
			case <-p.wake:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

func (n *Node) ask(p *purse, a *Ask) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	sent := n.now()
	offer, err := n.authority.Grant(ctx, n.session, *a)
	if err != nil {
		n.log.Warn("no lease granted", "wallet", p.wallet, "error", err)
	}
	p.offered(sent, n.now(), a, offer, err)
}

func (n *Node) trim(trims []Trim) error {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	err := n.authority.Trim(ctx, n.session, trims)
	if err != nil {
		n.log.Warn("lease not returned", "error", err)
	}
	return err
}
