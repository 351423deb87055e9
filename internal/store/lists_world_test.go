package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// crowd is an installation after some months: one user made three calls of ten, twenty made four of ten, and the rest were
// made by thousands.
type crowd struct {
	tb    testing.TB
	store *Store
	rand  *rand.Rand

	users  []identity.User // the first is the big one
	keys   map[id.ID][]id.ID
	purses map[id.ID]id.ID
	earned id.ID
	calls  int
	// begin and end are when the calls were made.
	begin, end time.Time
	middle     tasks.Task // one of the big user's, half-way
}

const (
	crowdUsers = 2000
	crowdBatch = 20_000
)

var crowdModels = []string{
	"gpt-5", "gpt-5-mini", "claude-opus-5", "claude-sonnet-5", "gemini-3-pro", "gemini-3-flash", "qwen4-max", "deepseek-v4",
	"glm-6", "text-embedding-4", "flux-3", "veo-4",
}

func newbornCrowd(tb testing.TB, s *Store, calls int) *crowd {
	tb.Helper()
	return &crowd{
		tb: tb, store: s, rand: rand.New(rand.NewPCG(7, 23)), keys: map[id.ID][]id.ID{}, purses: map[id.ID]id.ID{}, calls: calls,
		begin: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), end: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}
}

// newCrowd fills an empty database with that many calls and as many transfers, reproducibly.
func newCrowd(tb testing.TB, s *Store, calls int) *crowd {
	tb.Helper()
	c := newbornCrowd(tb, s, calls)
	c.fillPeople()
	for from := 0; from < calls; from += crowdBatch {
		c.fillCalls(from, min(from+crowdBatch, calls))
		c.fillAudit(from, min(from+crowdBatch, calls))
		c.fillPolicyEvents(from, min(from+crowdBatch, calls))
	}
	c.countEntries()
	c.nameKinds()
	c.vacuum()
	return c
}

// vacuum does what the server does by itself within a minute.
func (c *crowd) vacuum() {
	if c.store.db.engine != postgres {
		return
	}
	for _, table := range []string{"task", "transfer", "user_account", "audit_entry", "platform_policy_event"} {
		if _, err := c.store.db.writer.ExecContext(context.Background(), "VACUUM ANALYZE "+table); err != nil {
			c.tb.Fatal(err)
		}
	}
}

// count does what the jobs of a running process do.
func (c *crowd) count() {
	if _, err := c.store.Wallet().EntriesCount(context.Background(), 1_000_000); err != nil {
		c.tb.Fatal(err)
	}
	if _, err := c.store.Tasks().DaysSeal(context.Background(), 1000); err != nil {
		c.tb.Fatal(err)
	}
}

// knownCrowd finds the crowd that filled the database earlier; nil: none did.
func knownCrowd(tb testing.TB, s *Store) *crowd {
	tb.Helper()
	ctx := context.Background()
	c := newbornCrowd(tb, s, 0)
	var err error
	if c.users, err = all[identity.User, userRow](ctx, s.db.reader, byNumber); err != nil {
		tb.Fatal(err)
	}
	if len(c.users) == 0 {
		return nil
	}
	for _, u := range c.users {
		var keys []id.ID
		err := s.db.reader.NewRaw("SELECT DISTINCT api_key_id FROM (SELECT api_key_id FROM task WHERE user_id = ? LIMIT 1000) AS t", u.ID).Scan(ctx, &keys)
		if err != nil {
			tb.Fatal(err)
		}
		c.keys[u.ID] = keys
		if u.ID != c.users[0].ID {
			break // nobody asks for the keys of others
		}
	}
	if err := s.db.reader.NewRaw("SELECT MAX(number) FROM task").Scan(ctx, &c.calls); err != nil {
		tb.Fatal(err)
	}
	c.middle, err = one[tasks.Task, taskRow](ctx, s.db.reader,
		"number = (SELECT MAX(number) FROM task WHERE user_id = ? AND created_at < ?)", c.users[0].ID,
		int64(stampOf(c.begin.Add(c.end.Sub(c.begin)/2))))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// countEntries does what posting does: transfers of this world were not posted.
func (c *crowd) countEntries() {
	_, err := c.store.db.writer.ExecContext(context.Background(), `UPDATE account SET
		debits = (SELECT COUNT(*) FROM transfer WHERE debit_account_id = account.id),
		credits = (SELECT COUNT(*) FROM transfer WHERE credit_account_id = account.id)`)
	if err != nil {
		c.tb.Fatal(err)
	}
}

func (c *crowd) fillPeople() {
	ctx := context.Background()
	tenant := identity.Tenant{ID: id.New(), Key: "crowd"}
	err := c.store.Identity().InTx(ctx, func(t tx.Tx) error {
		if err := c.store.Identity().TenantInsert(ctx, t, &tenant); err != nil {
			return err
		}
		earned := wallet.Account{ID: id.New(), Code: "revenue", Kind: "revenue", Currency: money.USD}
		if _, err := c.store.Wallet().AccountEnsure(ctx, t, &earned); err != nil {
			return err
		}
		c.earned = earned.ID
		for i := range min(crowdUsers, max(21, c.calls/100)) {
			if err := c.fillPerson(ctx, t, tenant.ID, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.tb.Fatal(err)
	}
}

func (c *crowd) fillPerson(ctx context.Context, t tx.Tx, tenant id.ID, i int) error {
	u := identity.User{
		ID: id.New(), TenantID: tenant, Username: fmt.Sprintf("user%04d", i), Email: fmt.Sprintf("user%04d@example.org", i),
		Status: identity.Active, CreatedAt: c.begin,
	}
	if err := c.store.Identity().UserInsert(ctx, t, &u); err != nil {
		return err
	}
	purse := wallet.Account{
		ID: id.New(), Code: u.Username, Kind: wallet.KindWallet, UserID: u.ID, TenantID: tenant, Currency: money.USD,
	}
	if _, err := c.store.Wallet().AccountEnsure(ctx, t, &purse); err != nil {
		return err
	}
	c.users, c.purses[u.ID] = append(c.users, u), purse.ID
	for range 4 {
		c.keys[u.ID] = append(c.keys[u.ID], id.New())
	}
	return nil
}

// caller chooses who makes the next call.
func (c *crowd) caller() id.ID {
	switch n := c.rand.IntN(10); {
	case n < 3:
		return c.users[0].ID
	case n < 7:
		return c.users[1+c.rand.IntN(20)].ID
	}
	return c.users[c.rand.IntN(len(c.users))].ID
}

func (c *crowd) fillCalls(from, to int) {
	var calls, transfers [][]any
	for i := from; i < to; i++ {
		call, transfer := c.call(i)
		calls, transfers = append(calls, taskValues(&call)), append(transfers, transferValues(&transfer))
	}
	err := c.store.db.inTx(context.Background(), func(t *transaction) error {
		if err := c.write(t, "task", taskColumns, taskInsert, calls); err != nil {
			return err
		}
		return c.write(t, "transfer", transferColumns, transferInsert, transfers)
	})
	if err != nil {
		c.tb.Fatal(err)
	}
}

// write uses the fastest way that a database has.
func (c *crowd) write(t *transaction, table string, columns []string, insert statement, rows [][]any) error {
	ctx := context.Background()
	if c.store.db.engine == sqlite {
		_, err := c.store.db.execEach(ctx, t, insert, rows)
		return err
	}
	return t.conn.Raw(func(conn any) error {
		_, err := conn.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)) //nolint:forcetypeassert // as connectPostgres chose
		return err
	})
}

// call makes the i-th call and what was paid for it.
func (c *crowd) call(i int) (tasks.Task, wallet.Transfer) {
	user := c.caller()
	at := c.begin.Add(c.end.Sub(c.begin) / time.Duration(c.calls) * time.Duration(i))
	model := crowdModels[min(c.rand.IntN(len(crowdModels)), c.rand.IntN(len(crowdModels)))]
	kind, kindOf := inference.Chat, inference.TypeChat
	if model == "text-embedding-4" {
		kind, kindOf = inference.Embeddings, inference.TypeEmbedding
	}
	status := tasks.Succeeded
	switch n := c.rand.IntN(100); {
	case n < 6:
		status = tasks.Failed
	case n < 8:
		status = tasks.Canceled
	}
	call := tasks.Task{
		ID: id.At(at), RequestID: fmt.Sprintf("req-%08x", i), TenantID: c.users[0].TenantID, UserID: user,
		APIKeyID: c.keys[user][c.rand.IntN(4)], APIKeyName: "key", APIKeyPrefix: "sk-abcdefgh", Kind: kind, ModelType: kindOf,
		RunMode: "live", Status: status, RequestedModel: model, ResolvedModel: model + "-2026", Provider: "openai",
		Simulated: c.rand.IntN(50) == 0, HTTPStatus: 200, Currency: money.USD, Held: 9000, Charged: 900, BillReason: "usage",
		AttemptCount: 1, StartedAt: at, FinishedAt: at.Add(time.Second), CreatedAt: at, UpdatedAt: at,
		Attempts: json.RawMessage(`[{"no":1,"platformName":"upstream","modelAlias":"` + model + `","status":"succeeded","category":"ok","verdict":"served","statusCode":200,"durationNs":812345678}]`),
		Lines:    json.RawMessage(`[{"resource":"text_input","quantity":180,"unit":"1m_tokens","unitPrice":"2.5","amount":"0.00045"},{"resource":"text_output","quantity":100,"unit":"1m_tokens","unitPrice":"10","amount":"0.001"}]`),
	}
	if user == c.users[0].ID && i <= c.calls/2 {
		c.middle = call
	}
	return call, c.transfer(i, &call)
}

// transfer pays for a call; one of two hundred tops a wallet up instead.
func (c *crowd) transfer(i int, call *tasks.Task) wallet.Transfer {
	purse := c.purses[call.UserID]
	v := wallet.Transfer{
		Number: int64(i + 1), ID: id.At(call.CreatedAt), At: call.CreatedAt, Kind: wallet.TransferCapture, Currency: money.USD,
		Amount: 900, DebitAccountID: purse, CreditAccountID: c.earned, DebitAfter: 1 << 40, CreditAfter: 1 << 40,
		RefType: wallet.RefTask, RefID: call.ID.String(), HoldAmount: 9000, Reason: "usage",
	}
	if i%1999 == 0 {
		v.Reason = "crash"
	}
	if i%200 == 0 {
		v.Kind, v.RefType, v.Reason = wallet.TransferAdjustment, "adjustment", fmt.Sprintf("top-up %d", i)
		v.DebitAccountID, v.CreditAccountID = v.CreditAccountID, v.DebitAccountID
	}
	return v
}
