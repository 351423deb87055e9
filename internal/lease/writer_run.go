package lease

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// run settles one batch after another until the writer is closed and nothing is left.
func (w *Writer) run() {
	defer close(w.done)
	for {
		batch, closed := w.seal()
		switch {
		case len(batch) > 0:
			w.settle(batch)
		case closed:
			return
		default:
			<-w.wake
		}
	}
}

// seal takes the next batch; from then on its entries stay as they are.
func (w *Writer) seal() (batch []*entry, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.fitting()
	batch, w.filling = w.filling[:n:n], w.filling[n:]
	for _, e := range batch {
		if e.call != nil {
			e.call.last = nil
		}
	}
	return batch, w.closed
}

// fitting is how many entries one statement takes: payloads may hold whole answers. One always fits.
func (w *Writer) fitting() int {
	size := 0
	for n, e := range w.filling[:min(len(w.filling), maxBatch)] {
		if size += len(e.Payload); size > maxBatchBytes && n > 0 {
			return n
		}
	}
	return min(len(w.filling), maxBatch)
}

// settle writes a batch until its fate is known. A statement that failed may have been committed; settling again finds
// what is there already.
func (w *Writer) settle(batch []*entry) {
	settlements := make([]Settlement, 0, len(batch))
	for _, e := range batch {
		if !e.Hold.IsZero() { // that of Flush
			settlements = append(settlements, e.Settlement)
		}
	}
	fenced, err := w.try(settlements)
	if err != nil {
		w.giveUp(batch, err)
		return
	}
	refused := map[id.ID]bool{}
	for _, hold := range fenced {
		refused[hold] = true
	}
	w.succeed(batch, refused)
	w.node.stirFold()
}

// try settles until it succeeds, or GiveUp has passed.
func (w *Writer) try(settlements []Settlement) ([]id.ID, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	began := w.node.now()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		fenced, err := w.authority.Settle(ctx, w.node.session, settlements)
		cancel()
		w.health(err)
		if err == nil || w.node.now().Sub(began) >= w.node.terms.GiveUp {
			return fenced, err
		}
		w.log.Warn("settlements not written", "settlements", len(settlements), "error", err)
		<-time.After(settleAgain)
	}
}

// health stops admission while the database does not answer.
func (w *Writer) health(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.failing = time.Time{}
	case w.failing.IsZero():
		w.failing = w.node.now()
	}
}

func (w *Writer) succeed(batch []*entry, refused map[id.ID]bool) {
	w.mu.Lock()
	w.pending -= len(batch)
	for _, e := range batch {
		if e.call != nil && !refused[e.Hold] {
			e.call.known = true
		}
		if refused[e.Hold] && e.Final {
			w.uncharged(e)
		}
	}
	w.mu.Unlock()
	for _, e := range batch {
		var fate error
		if refused[e.Hold] {
			fate = ErrFenced
		}
		w.end(e, fate)
	}
}

// uncharged records a call whose lease was fenced before anything of it was durable: it was not delivered, and the wallet
// does not pay. What was marked before, the fence has closed.
func (w *Writer) uncharged(e *entry) {
	if e.record == nil || e.call.known {
		return
	}
	r := journal.Record{Task: e.record.Task}
	r.Task.Status, r.Task.Charged, r.Task.BillReason = "failed", 0, "fenced"
	r.Task.ErrorCode, r.Task.ErrorMessage = ErrFenced.Code, ErrFenced.Message
	payload, _ := r.MarshalBinary() // cannot fail
	w.add(&entry{Settlement: Settlement{Hold: id.At(w.node.now()), Final: true, Payload: payload}})
}

// end tells whoever waits for an entry, and the lease that a call's cost is settled.
func (w *Writer) end(e *entry, fate error) {
	for _, resolve := range e.resolve {
		resolve(fate)
	}
	if e.Final && e.Amount > 0 {
		w.node.settled(e.Wallet, e.Lease)
	}
}

// giveUp ends a batch whose fate is not known. Its calls are not delivered; their leases are given up too, so that the
// authority fences them and settles what was marked. What costs nothing is kept, and tried again.
func (w *Writer) giveUp(batch []*entry, err error) {
	var free []*entry
	for _, e := range batch {
		if e.Lease.IsZero() && !e.Hold.IsZero() {
			free = append(free, e)
			continue
		}
		if !e.Lease.IsZero() {
			w.node.abandon(e.Wallet, e.Lease)
		}
		for _, resolve := range e.resolve {
			resolve(wallet.ErrBilling.Because(err))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending -= len(batch) - len(free)
	if w.closed {
		w.log.Error("calls not recorded", "calls", len(free), "error", err)
		w.pending -= len(free)
		return
	}
	w.filling = append(free, w.filling...)
}
