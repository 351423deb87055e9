package lease

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Writer takes down what happens to calls in the database, for nodes that are not alone; it is to leases what
// journal.Journal is to one node, with the same methods. All calls share one statement at a time: what arrives while it
// is under way forms the next, so that a lone entry waits for nothing and a commit is shared when it matters.
//
// An entry is durable when it was committed. What is not committed must not be delivered: without the database nothing is.
type Writer struct {
	node      *Node
	authority Authority
	log       *slog.Logger

	mu      sync.Mutex
	calls   map[id.ID]*call // open, by task
	filling []*entry
	pending int
	failing time.Time // since when the database does not answer; zero: it does
	closed  bool

	wake chan struct{}
	done chan struct{}
}

const (
	// maxBatch bounds the settlements of one statement.
	maxBatch = 512
	// maxBatchBytes bounds their payloads.
	maxBatchBytes = 32 << 20
	// maxPending bounds memory: beyond it no call is admitted.
	maxPending = 1 << 16
	// settleTimeout bounds one try; then the same batch is tried again.
	settleTimeout = 2 * time.Second
	settleAgain   = 20 * time.Millisecond
)

// call is what the writer knows of an open call.
type call struct {
	open   journal.Open
	hold   id.ID
	marked bool   // a mark was taken
	known  bool   // the database has a mark, and with it Opened
	last   *entry // in the batch that is being filled
}

// entry is one settlement on its way, with everybody who waits for it.
type entry struct {
	Settlement

	call    *call
	record  *journal.Record // when final
	resolve []func(error)
}

// NewWriter returns a running writer for a node. Close ends it, before the node.
func NewWriter(n *Node) *Writer {
	w := &Writer{
		node: n, authority: n.authority, log: n.log, calls: map[id.ID]*call{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// Prompt reports that entries wait for the database.
func (w *Writer) Prompt() bool { return false }

// Open takes note that money was set aside for a call. The lease already keeps it, so there is nothing to write: the
// ticket is done. A second Open for the same task replaces the first, and voids what was marked under it.
func (w *Writer) Open(o *journal.Open) journal.Ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &call{open: *o, hold: o.Task.ID}
	if earlier := w.calls[o.Task.ID]; earlier != nil && earlier.marked {
		void := earlier.settlement()
		void.Final, void.Opened = true, nil
		w.add(&entry{Settlement: void})
		c.hold = id.At(w.node.now())
	}
	w.calls[o.Task.ID] = c
	t, resolve := journal.Promise()
	resolve(nil)
	return t
}

func (c *call) settlement() Settlement {
	return Settlement{Hold: c.hold, Lease: c.open.LeaseID, Wallet: c.open.WalletID}
}

// Mark takes down what a stream has delivered. Code of the ticket: lease_fenced.
func (w *Writer) Mark(m *journal.Mark) journal.Ticket {
	t, resolve := journal.Promise()
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.calls[m.TaskID]
	if c == nil {
		resolve(wallet.ErrBilling)
		return t
	}
	payload, _ := m.MarshalBinary() // cannot fail
	e := w.entryOf(c)
	e.Mark, e.Payload = m.Amount, payload
	if !c.known {
		e.Opened, _ = c.open.MarshalBinary() // cannot fail
	}
	c.marked = true
	e.resolve = append(e.resolve, resolve)
	return t
}

// Append takes down the end of a call. The record must not be changed afterwards. Codes of the ticket: lease_fenced,
// billing_unavailable.
func (w *Writer) Append(r *journal.Record) journal.Ticket {
	t, resolve := journal.Promise()
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.calls[r.Task.ID]
	delete(w.calls, r.Task.ID)
	e, err := w.final(c, r)
	if err != nil {
		w.log.Error("a call is charged that was not opened", "task", r.Task.ID, "error", err)
		resolve(err)
		return t
	}
	e.resolve = append(e.resolve, resolve)
	return t
}

// final makes the last entry of a call. A call that costs nothing and was not marked needs no lease to be recorded.
func (w *Writer) final(c *call, r *journal.Record) (*entry, error) {
	payload, _ := r.MarshalBinary() // cannot fail
	if c == nil || (!c.marked && len(r.Transfers) == 0) {
		if len(r.Transfers) > 0 {
			return nil, wallet.ErrBilling
		}
		e := &entry{Settlement: Settlement{Hold: r.Task.ID, Final: true, Payload: payload}}
		if c != nil {
			e.Hold = c.hold
		}
		w.add(e)
		return e, nil
	}
	e := w.entryOf(c)
	e.Final, e.Payload, e.record = true, payload, r
	for i := range r.Transfers {
		if r.Transfers[i].DebitAccountID == c.open.WalletID {
			e.Amount += r.Transfers[i].Amount
		}
	}
	return e, nil
}

// entryOf returns the call's entry in the batch that is being filled: a later entry replaces an earlier one, and whoever
// waits for the earlier one waits for both.
func (w *Writer) entryOf(c *call) *entry {
	if c.last == nil {
		c.last = &entry{Settlement: c.settlement(), call: c}
		w.add(c.last)
	}
	return c.last
}

func (w *Writer) add(e *entry) {
	w.filling = append(w.filling, e)
	w.pending++
	w.stir()
}

func (w *Writer) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Ready says whether calls may be admitted. Code: billing_unavailable.
func (w *Writer) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.pending > maxPending || !w.failing.IsZero() {
		return wallet.ErrBilling
	}
	return nil
}

// Flush waits until everything taken before is in the ledger.
func (w *Writer) Flush(ctx context.Context) error {
	t, resolve := journal.Promise()
	w.mu.Lock()
	w.filling = append(w.filling, &entry{resolve: []func(error){resolve}})
	w.pending++
	w.mu.Unlock()
	w.stir()
	if err := t.Wait(ctx); err != nil {
		return err
	}
	return w.node.fold(ctx)
}

// Close writes what is left and stops. Nothing may be taken down afterwards.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stir()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
