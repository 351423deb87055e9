package storetest

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// books are the accounts that calls are booked on.
type books struct{ mine, grant, usage, writeoff wallet.Account }

func (w *world) books() books {
	w.t.Helper()
	return books{
		mine:     w.wallet(w.user, money.USD),
		grant:    w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD),
		usage:    w.book(wallet.CodeRevenueUsage, wallet.KindRevenue, money.USD),
		writeoff: w.book(wallet.CodeWriteoffOverrun, wallet.KindWriteoff, money.USD),
	}
}

// record is a call of w.user with the given price and overrun.
func (w *world) record(b books, charged, overrun money.Amount) *journal.Record {
	task := tasks.Task{
		ID: id.New(), RequestID: id.New().String(), TenantID: w.tenant.ID, UserID: w.user.ID, Kind: inference.Chat,
		ModelType: inference.TypeChat, Status: tasks.Succeeded, RequestedModel: "gpt", CreatedAt: epoch,
		Currency: money.USD, Charged: charged,
	}
	r := &journal.Record{Task: task}
	add := func(kind wallet.TransferKind, from wallet.Account, amount money.Amount) {
		if amount > 0 {
			r.Transfers = append(r.Transfers, wallet.Transfer{
				ID: id.New(), At: epoch, Kind: kind, Currency: money.USD, Amount: amount, DebitAccountID: from.ID,
				CreditAccountID: b.usage.ID, RefType: "task", RefID: task.ID.String(), HoldAmount: charged + 1,
			})
		}
	}
	add(wallet.TransferCapture, b.mine, charged)
	add(wallet.TransferOverrun, b.writeoff, overrun)
	return r
}

// applyAtOnce applies batches beside each other, each with records of its own, as several appliers would.
func (w *world) applyAtOnce(t *testing.T, batches ...[]*journal.Record) {
	t.Helper()
	var wg sync.WaitGroup
	for _, batch := range batches {
		wg.Go(func() {
			own := make([]*journal.Record, len(batch))
			for i, r := range batch {
				task := *r
				task.Transfers = append([]wallet.Transfer(nil), r.Transfers...)
				own[i] = &task
			}
			if err := w.Journal().RecordsApply(w.ctx, own, journal.Position{}); err != nil {
				t.Errorf("RecordsApply: %v", err)
			}
		})
	}
	wg.Wait()
}

func (w *world) apply(batch ...*journal.Record) {
	w.t.Helper()
	w.ok(w.Journal().RecordsApply(w.ctx, batch, journal.Position{}))
}

func testJournal(_ *testing.T, w *world) {
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 100)
	key := w.newKey(w.user)
	one, free, two := w.record(b, 30, 0), w.record(b, 0, 0), w.record(b, 50, 4)
	fill(&one.Task)
	one.Task.TenantID, one.Task.UserID, one.Task.APIKeyID = w.tenant.ID, w.user.ID, key.ID
	one.Task.CreatedAt, two.Task.APIKeyID = epoch.Add(time.Hour), key.ID
	w.apply()
	w.apply(one, free, two)

	got, err := w.Tasks().TaskByID(w.ctx, w.user.ID, one.Task.ID)
	w.ok(err)
	one.Task.Number = got.Number
	same(w, "the task", got, one.Task)
	found(w, "the task as anybody", one.Task)(w.Tasks().TaskByID(w.ctx, id.ID{}, one.Task.ID))
	missing[tasks.Task](w, "the task as another")(w.Tasks().TaskByID(w.ctx, id.New(), one.Task.ID))

	transfers, err := w.Wallet().TransferByRef(w.ctx, "task", two.Task.ID.String())
	w.ok(err)
	same(w, "its transfers", transfers, two.Transfers)
	same(w, "balances after the capture", [2]money.Amount{transfers[0].DebitAfter, transfers[0].CreditAfter},
		[2]money.Amount{20, 80})
	same(w, "balances after the overrun", [2]money.Amount{transfers[1].DebitAfter, transfers[1].CreditAfter},
		[2]money.Amount{-4, 84})
	mine, err := w.Wallet().AccountByID(w.ctx, nil, b.mine.ID)
	w.ok(err)
	same(w, "the wallet", [3]money.Amount{mine.Posted, mine.Credited, mine.Spent}, [3]money.Amount{20, 100, 80})
	used, err := w.Identity().APIKeyByID(w.ctx, w.user.ID, key.ID)
	w.ok(err)
	same(w, "LastUsedAt", used.LastUsedAt, epoch.Add(time.Hour))
	w.balanced()
	continuous(w, w.user)
}

// testJournalAgain applies batches that overlap, from several nodes at once: every record counts once.
func testJournalAgain(t *testing.T, w *world) {
	t.Helper()
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 1000)
	var records []*journal.Record
	for range 10 {
		records = append(records, w.record(b, 10, 1))
	}
	w.applyAtOnce(t, records[:6], records[4:], records, []*journal.Record{records[0], records[0], records[9]})
	w.apply(records...)
	p, err := w.Tasks().TaskList(w.ctx, tasks.Query{})
	w.ok(err)
	same(w, "tasks", p.Total, 10)
	mine, err := w.Wallet().AccountByID(w.ctx, nil, b.mine.ID)
	w.ok(err)
	same(w, "the wallet", [2]money.Amount{mine.Posted, mine.Spent}, [2]money.Amount{900, 100})
	w.balanced()
}

func testJournalRefusal(_ *testing.T, w *world) {
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 100)
	fine, greedy := w.record(b, 60, 0), w.record(b, 41, 0)
	w.refused(w.Journal().RecordsApply(w.ctx, []*journal.Record{fine, greedy}, journal.Position{}), wallet.ErrInsufficient, "")
	missing[tasks.Task](w, "a task of the refused batch")(w.Tasks().TaskByID(w.ctx, id.ID{}, fine.Task.ID))
	w.apply(fine)
	w.posted(wallet.TransferGrant, b.grant, b.mine, 1)
	w.apply(greedy)
	w.balanced()
	mine, err := w.Wallet().AccountByID(w.ctx, nil, b.mine.ID)
	w.ok(err)
	same(w, "the wallet", mine.Posted, 0)
}

// testJournalHostileTexts records a call whose caller chose texts that no database takes as they are.
func testJournalHostileTexts(_ *testing.T, w *world) {
	r := w.record(w.books(), 0, 0)
	r.Task.RequestedModel = "gpt\x00\xff" + strings.Repeat("ä", 5000)
	r.Task.ResolvedModel = strings.Repeat("x", 5000)
	r.Task.RequestID = strings.Repeat("y", 5000)
	r.Task.ErrorMessage = "upstream said \x00\xc3"
	r.Task.Request = json.RawMessage("{\"a\":\"\\u0000\xff\"}")
	r.Task.CreatedAt = time.Time{}
	w.apply(r)
	got, err := w.Tasks().TaskByID(w.ctx, w.user.ID, r.Task.ID)
	w.ok(err)
	same(w, "the error", got.ErrorMessage, "upstream said ��")
	same(w, "the request", string(got.Request), `{"a":"\u0000�"}`)
	same(w, "lengths", [3]int{len(got.RequestedModel), len(got.ResolvedModel), len(got.RequestID)}, [3]int{255, 255, 128})
	if !strings.HasPrefix(got.RequestedModel, "gpt��ä") || !strings.HasSuffix(got.RequestedModel, "ä") {
		w.t.Errorf("the model = %q, want it cut between characters", got.RequestedModel)
	}
}
