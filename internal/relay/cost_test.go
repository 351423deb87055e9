package relay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// ledgerCall does what money asks of one buffered call: a hold, its entry in the journal, the capture, and the record.
type ledgerCall struct {
	book    *wallet.Book
	journal *journal.Journal
	user    id.ID
	task    tasks.Task
}

func newLedgerCall(b *testing.B, dir string) *ledgerCall {
	b.Helper()
	c := &ledgerCall{user: id.New()}
	c.book = wallet.NewBook(walletRows{rows: map[money.Currency]wallet.Account{
		money.USD: {ID: id.New(), Currency: money.USD, Posted: 1 << 60, UserID: c.user},
	}}, clock.System)
	var err error
	c.journal, _, err = journal.Start(b.Context(), journal.Options{
		Dir: dir, Sink: discard{}, Log: slog.New(slog.DiscardHandler),
	}, clock.System)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.journal.Close(context.Background()) })
	c.task = tasks.Task{
		RequestID: "01a1fb8b-6853-78e8-a12a-f497814cc631", TenantID: id.New(), UserID: c.user, APIKeyID: id.New(), APIKeyName: "bench",
		Kind: "chat.completions", ModelType: "chat", RunMode: "live", Status: tasks.Succeeded, RequestedModel: "m", ResolvedModel: "m",
		PlatformID: id.New(), PlatformModelID: id.New(), Provider: "openai", Currency: money.USD,
		Attempts: json.RawMessage(`[{"no":1,"platformName":"upstream","status":"succeeded","category":"ok","verdict":"served"}]`),
		Lines:    json.RawMessage(`[{"resource":"text_input","quantity":180,"unit":"1m_tokens","unitPrice":"2.5","amount":"0.00045"}]`),
	}
	return c
}

// discard is a sink that takes everything.
type discard struct{}

func (discard) RecordsApply(context.Context, []*journal.Record, journal.Position) error { return nil }

func (discard) JournalApplied(context.Context) (journal.Position, error) {
	return journal.Position{}, nil
}

func (c *ledgerCall) run(ctx context.Context, now time.Time) (journal.Ticket, error) {
	w, err := c.book.Wallet(ctx, c.user, money.USD)
	if err != nil {
		return journal.Ticket{}, err
	}
	hold, err := w.Hold(1000)
	if err != nil {
		return journal.Ticket{}, err
	}
	task := id.At(now)
	open := journal.Open{Task: c.task, WalletID: w.ID}
	open.Task.ID, open.Task.CreatedAt = task, now
	c.journal.Open(&open)
	charged, _ := hold.Capture(900)
	r := &journal.Record{Task: c.task, Transfers: []wallet.Transfer{{
		ID: id.At(now), At: now, Kind: wallet.TransferCapture, Currency: money.USD, Amount: charged, DebitAccountID: w.ID,
		RefType: "task", RefID: "01a1fb8b-6853-78e8-a12a-f497814cc631",
	}}}
	r.Task.ID, r.Task.Charged, r.Task.CreatedAt = task, charged, now
	return c.journal.Append(r), nil
}

// BenchmarkMoney is what a call's money costs on its way, without waiting for the disk.
func BenchmarkMoney(b *testing.B) {
	b.Run("no-op", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = id.At(time.Now())
		}
	})
	b.Run("hold, capture, journal", func(b *testing.B) {
		c := newLedgerCall(b, b.TempDir())
		b.ReportAllocs()
		now := time.Now()
		for b.Loop() {
			if _, err := c.run(b.Context(), now); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDurable is how long 256 concurrent calls wait for their charge to be on the disk, beside one commit alone.
func BenchmarkDurable(b *testing.B) {
	for _, c := range []struct {
		name        string
		connections int
	}{{"one at a time", 1}, {"256 at once", 256}} {
		b.Run(c.name, func(b *testing.B) {
			call := newLedgerCall(b, b.TempDir())
			var mu sync.Mutex
			var waits []time.Duration
			var all sync.WaitGroup
			each := max(1, b.N/c.connections)
			b.ResetTimer()
			for range c.connections {
				all.Go(func() {
					own := make([]time.Duration, 0, each)
					for range each {
						start := time.Now()
						ticket, err := call.run(b.Context(), start)
						if err == nil {
							err = ticket.Wait(b.Context())
						}
						if err != nil {
							b.Error(err)
							return
						}
						own = append(own, time.Since(start))
					}
					mu.Lock()
					defer mu.Unlock()
					waits = append(waits, own...)
				})
			}
			all.Wait()
			b.StopTimer()
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "µs-median")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "µs-p99")
		})
	}
}
