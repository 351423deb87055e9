package lease

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// notebook is an authority that remembers what was settled. While gate is open, settlements wait; fail makes them fail.
type notebook struct {
	Authority

	mu      sync.Mutex
	gate    chan struct{}
	fail    bool
	fenced  []id.ID
	batches [][]Settlement
	folds   int
}

func (*notebook) Register(context.Context, string) (Session, error) { return Session{"one", 1}, nil }

func (*notebook) Renew(_ context.Context, _ Session, _ []id.ID) ([]Renewed, error) { return nil, nil }
func (*notebook) FenceExpired(context.Context) (int, error)                        { return 0, nil }
func (*notebook) Prune(context.Context) error                                      { return nil }
func (*notebook) Listen(ctx context.Context, _ func(Notice)) error                 { <-ctx.Done(); return ctx.Err() }
func (*notebook) Trim(context.Context, Session, []Trim) error                      { return nil }
func (b *notebook) set(f func())                                                   { b.mu.Lock(); defer b.mu.Unlock(); f() }

func (b *notebook) Fold(context.Context) (Folded, error) {
	b.set(func() { b.folds++ })
	return Folded{}, nil
}

func (b *notebook) Settle(_ context.Context, _ Session, batch []Settlement) ([]id.ID, error) {
	if b.gate != nil {
		<-b.gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return nil, errors.New("database")
	}
	b.batches = append(b.batches, slices.Clone(batch))
	return b.fenced, nil
}

// writing runs a test on a writer in a bubble of its own.
func writing(t *testing.T, b *notebook, test func(t *testing.T, w *Writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, err := Start(t.Context(), Options{Authority: b, Name: "one", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		w := NewWriter(n)
		test(t, w)
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
		n.Kill()
	})
}

// opened begins a call on a lease. As the relay does, it uses what it gave to the writer for something else at once.
func opened(w *Writer) *journal.Open {
	o := journal.Open{Task: tasks.Task{ID: id.New(), Held: 50}, WalletID: id.New(), RevenueID: id.New(), LeaseID: id.New()}
	lent := o
	w.Open(&lent)
	lent = journal.Open{}
	return &o
}

func ended(o *journal.Open) *journal.Record {
	return &journal.Record{Task: o.Task, Transfers: []wallet.Transfer{
		{Amount: 7, DebitAccountID: o.WalletID}, {Amount: 90, DebitAccountID: id.New(), Kind: wallet.TransferOverrun},
	}}
}

func TestCallsShareABatch(t *testing.T) {
	t.Parallel()
	b := &notebook{}
	writing(t, b, func(t *testing.T, w *Writer) {
		t.Helper()
		b.gate = make(chan struct{})
		o := opened(w)
		tickets := []journal.Ticket{w.Mark(&journal.Mark{TaskID: o.Task.ID, Amount: 1})}
		synctest.Wait() // it is being settled
		for range 5 {
			tickets = append(tickets, w.Mark(&journal.Mark{TaskID: o.Task.ID, Amount: 3}))
		}
		tickets = append(tickets, w.Append(ended(o)), w.Append(&journal.Record{Task: opened(w).Task}))
		synctest.Wait()
		if tickets[0].Done() {
			t.Fatal("durable before it was settled")
		}
		close(b.gate)
		for _, ticket := range tickets {
			if err := ticket.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if len(b.batches) != 2 || len(b.batches[0]) != 1 || len(b.batches[1]) != 2 {
			t.Fatalf("batches: %+v", b.batches)
		}
		final, free := b.batches[1][0], b.batches[1][1]
		if !final.Final || final.Amount != 7 || final.Lease != o.LeaseID || final.Hold != o.Task.ID {
			t.Errorf("the end of the call: %+v", final)
		}
		if !free.Final || free.Amount != 0 || !free.Lease.IsZero() {
			t.Errorf("a call that cost nothing: %+v", free)
		}
		if len(b.batches[0][0].Opened) == 0 {
			t.Error("the first mark does not say what call it is of")
		}
	})
}

func TestFencedCallIsNotDelivered(t *testing.T) {
	t.Parallel()
	b := &notebook{}
	writing(t, b, func(t *testing.T, w *Writer) {
		t.Helper()
		o := opened(w)
		b.set(func() { b.fenced = []id.ID{o.Task.ID} })
		if err := w.Append(ended(o)).Wait(t.Context()); !errors.Is(err, ErrFenced) {
			t.Errorf("the ticket: %v", err)
		}
		err, folds := w.Flush(t.Context()), 0
		b.set(func() { folds = b.folds })
		if err != nil || folds == 0 {
			t.Errorf("flushed: %v, folded %d times", err, folds)
		}
		if last := b.batches[len(b.batches)-1][0]; last.Amount != 0 || !last.Lease.IsZero() {
			t.Errorf("recorded as %+v", last)
		}
	})
}

func TestNothingIsSettledWithoutADatabase(t *testing.T) {
	t.Parallel()
	b := &notebook{fail: true}
	writing(t, b, func(t *testing.T, w *Writer) {
		t.Helper()
		began := time.Now()
		paid, free := w.Append(ended(opened(w))), w.Append(&journal.Record{Task: tasks.Task{ID: id.New()}})
		if err := paid.Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) || time.Since(began) < 5*time.Second {
			t.Errorf("given up after %v: %v", time.Since(began), err)
		}
		if err := w.Ready(); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("calls are admitted: %v", err)
		}
		b.set(func() { b.fail = false })
		if err := free.Wait(t.Context()); err != nil {
			t.Errorf("a call that cost nothing was forgotten: %v", err)
		}
		if err := w.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestChargeOfACallThatWasNotOpened(t *testing.T) {
	t.Parallel()
	writing(t, &notebook{}, func(t *testing.T, w *Writer) {
		t.Helper()
		o := &journal.Open{Task: tasks.Task{ID: id.New()}, WalletID: id.New()}
		if err := w.Append(ended(o)).Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("charged: %v", err)
		}
		if err := w.Mark(&journal.Mark{TaskID: o.Task.ID}).Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("marked: %v", err)
		}
	})
}
