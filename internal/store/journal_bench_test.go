package store_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
)

// BenchmarkApply writes calls of a few users as the journal's applier does, a thousand in a transaction. One op is one call.
// cpu-ns/op is processor time, which the disk and other processes do not move.
func BenchmarkApply(b *testing.B) {
	w := newBank(b, store.Options{Path: filepath.Join(b.TempDir(), "gantry.db")})
	const users, batch = 50, 1000
	var callers []journal.Record
	for range users {
		callers = append(callers, w.caller())
	}
	b.ReportAllocs()
	b.ResetTimer()
	var spent time.Duration
	for n := 0; n < b.N; n += batch {
		b.StopTimer()
		records := make([]*journal.Record, min(batch, b.N-n))
		for i := range records {
			records[i] = w.callOf(callers[i%users])
		}
		b.StartTimer()
		before := processorTime(b)
		if err := w.store.Journal().RecordsApply(context.Background(), records, journal.Position{Applied: int64(n + 1)}); err != nil {
			b.Fatal(err)
		}
		spent += processorTime(b) - before
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// caller makes a user with money and a key, and what is the same in all its calls.
func (b *bank) caller() journal.Record {
	user, purse := b.user(1 << 50)
	key := identity.APIKey{
		ID: id.New(), TenantID: user.TenantID, UserID: user.ID, Name: "key", Public: id.New().String(), Status: identity.Active,
		Hash: []byte("hash"),
	}
	b.must(func(t tx.Tx) error { return b.store.Identity().APIKeyInsert(b.ctx, t, &key) })
	return journal.Record{
		Task: tasks.Task{
			TenantID: user.TenantID, UserID: user.ID, APIKeyID: key.ID, APIKeyName: key.Name, APIKeyPrefix: "sk-abcdefgh",
			Kind: inference.Chat, ModelType: inference.TypeChat, RunMode: "live", Status: tasks.Succeeded, RequestedModel: "gpt-5",
			ResolvedModel: "gpt-5-2026-08-07", PlatformID: id.New(), PlatformModelID: id.New(), Provider: "openai",
			HTTPStatus: 200, Currency: money.USD, Held: 9000, Charged: 900, BillReason: "usage", AttemptCount: 1,
			Attempts: json.RawMessage(`[{"no":1,"platformId":"01a1fb8b-6853-78e8-a12a-f497814cc631","platformName":"upstream","platformModelId":"01a1fb8b-6853-78e8-a12a-f497814cc631","provider":"openai","modelAlias":"gpt-5","providerModelName":"gpt-5-2026-08-07","status":"succeeded","category":"ok","verdict":"served","statusCode":200,"startedAt":"2026-03-14T12:00:00.123456Z","durationNs":812345678}]`),
			Lines:    json.RawMessage(`[{"resource":"text_input","quantity":180,"unit":"1m_tokens","unitPrice":"2.5","amount":"0.00045","factors":[]},{"resource":"text_output","quantity":100,"unit":"1m_tokens","unitPrice":"10","amount":"0.001","factors":[]}]`),
			Route:    json.RawMessage(`{"requested":"gpt-5","served":"gpt-5-2026-08-07","cause":"alias","candidates":[{"platformId":"01a1fb8b-6853-78e8-a12a-f497814cc631","platformName":"upstream","model":"gpt-5","effectivePriority":100,"gate":"open","chosen":true}]}`),
		},
		Transfers: []wallet.Transfer{{
			Kind: wallet.TransferCapture, Currency: money.USD, Amount: 900, DebitAccountID: purse.ID,
			CreditAccountID: b.own.ID(wallet.CodeRevenueUsage, money.USD), RefType: wallet.RefTask, HoldAmount: 9000, Reason: "usage",
		}},
	}
}

// callOf makes one call of a caller's.
func (b *bank) callOf(like journal.Record) *journal.Record {
	now := b.pass(time.Millisecond)
	r := &journal.Record{Task: like.Task, Transfers: []wallet.Transfer{like.Transfers[0]}}
	r.Task.ID = id.At(now)
	r.Task.RequestID = r.Task.ID.String()
	r.Task.Usage.Quantities[inference.TextInput], r.Task.Usage.Quantities[inference.TextOutput] = 180, 100
	r.Task.StartedAt, r.Task.FinishedAt, r.Task.CreatedAt, r.Task.UpdatedAt = now, now, now, now
	r.Transfers[0].ID, r.Transfers[0].At, r.Transfers[0].RefID = id.At(now), now, r.Task.ID.String()
	return r
}
