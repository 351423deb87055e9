package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// books is an installation's database with a small, fixed ledger.
type books struct {
	t    *testing.T
	data string
	url  string // of PostgreSQL; empty: SQLite
}

// eachBooks runs a test on both databases. What the program prints is the same on both.
func eachBooks(t *testing.T, test func(t *testing.T, b books)) {
	t.Helper()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			b := books{t: t, data: t.TempDir()}
			if database == "postgres" {
				b.url = pgtest.New(t)
			}
			b.fill()
			test(t, b)
		})
	}
}

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// numbered is an id that is the same in every run.
func numbered(n byte) id.ID {
	return id.ID{0x01, 0x98, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}

func (b books) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// fill writes: a gift of 100, three calls of 30, 0 and 50 (with an overrun of 4), a refund of 10, a grant of 7 of which
// 5 went back.
func (b books) fill() {
	b.t.Helper()
	ctx := b.t.Context()
	s, err := store.Open(ctx, store.Options{
		URL: b.url, Path: filepath.Join(b.data, "gantry.db"), MaxReaders: 2, Clock: func() time.Time { return start },
	})
	b.ok(err)
	defer s.Close()
	b.ok(s.Migrate(ctx))
	b.ok(s.Wallet().InTx(ctx, func(t tx.Tx) error {
		tenant := identity.Tenant{ID: numbered(1), Key: "default", Status: identity.Active}
		b.ok(s.Identity().TenantInsert(ctx, t, &tenant))
		user := identity.User{ID: numbered(2), TenantID: tenant.ID, Username: "ada", Status: identity.Active}
		b.ok(s.Identity().UserInsert(ctx, t, &user))
		for i, v := range []wallet.Account{
			{Code: "wallet:ada", Kind: wallet.KindWallet, TenantID: tenant.ID, UserID: user.ID},
			{Code: wallet.CodeGrantPromo, Kind: wallet.KindGrant},
			{Code: wallet.CodeRevenueUsage, Kind: wallet.KindRevenue},
			{Code: wallet.CodeWriteoffOverrun, Kind: wallet.KindWriteoff},
		} {
			v.ID, v.Currency, v.Status = numbered(byte(10+i)), money.USD, "active"
			if _, err := s.Wallet().AccountEnsure(ctx, t, &v); err != nil {
				return err
			}
		}
		return b.post(s, t, 1, wallet.TransferGrant, promo, mine, 100, "user", user.ID.String())
	}))
	b.ok(s.Journal().RecordsApply(ctx, []*journal.Record{call(20, 30, 0), call(21, 0, 0), call(22, 50, 4)}, journal.Position{}))
	b.ok(s.Wallet().InTx(ctx, func(t tx.Tx) error {
		b.ok(b.post(s, t, 5, wallet.TransferRefund, revenue, mine, 10, wallet.RefRefund, numbered(20).String()+":k-1"))
		b.ok(b.post(s, t, 6, wallet.TransferGrant, promo, mine, 7, wallet.RefGrant, numbered(30).String()))
		b.ok(b.post(s, t, 7, wallet.TransferExpiry, mine, promo, 5, wallet.RefGrant, numbered(30).String()))
		return s.Wallet().GrantInsert(ctx, t, &wallet.Grant{
			ID: numbered(30), AccountID: mine, Key: "k-1", Amount: 7, Spent: 2, Returned: 5, Through: 7, ExpiresAt: start,
			ClosedAt: start, CreatedAt: start,
		})
	}))
}

var mine, promo, revenue, writeoff = numbered(10), numbered(11), numbered(12), numbered(13)

func (b books) post(
	s *store.Store, t tx.Tx, n byte, kind wallet.TransferKind, from, to id.ID, amount money.Amount, refType, refID string,
) error {
	return s.Wallet().TransferPost(b.t.Context(), t, &wallet.Transfer{
		ID: numbered(100 + n), At: start.Add(time.Duration(n) * time.Minute), Kind: kind, Currency: money.USD, Amount: amount,
		DebitAccountID: from, CreditAccountID: to, RefType: refType, RefID: refID,
	})
}

// call is a task with its bill, its capture and its overrun.
func call(n byte, charged, overrun money.Amount) *journal.Record {
	r := &journal.Record{Task: tasks.Task{
		ID: numbered(n), RequestID: "r", UserID: numbered(2), Kind: inference.Chat, Status: tasks.Succeeded, CreatedAt: start,
		Currency: money.USD, Charged: charged, Held: charged,
		Lines: json.RawMessage(`[{"currency":"USD","amount":"` + (charged + overrun).Text(money.USD) + `"}]`),
	}}
	add := func(n byte, kind wallet.TransferKind, from id.ID, amount money.Amount) {
		if amount == 0 {
			return
		}
		r.Transfers = append(r.Transfers, wallet.Transfer{
			ID: numbered(n), At: start.Add(time.Duration(n) * time.Second), Kind: kind, Currency: money.USD, Amount: amount,
			DebitAccountID: from, CreditAccountID: revenue, RefType: wallet.RefTask, RefID: r.Task.ID.String(),
			HoldAmount: charged, Reason: "usage",
		})
	}
	add(120+n, wallet.TransferCapture, mine, charged)
	add(140+n, wallet.TransferOverrun, writeoff, overrun)
	return r
}

// tamper changes the database as somebody could who owns it: without triggers, foreign keys and checks.
func (b books) tamper(statements string) {
	b.t.Helper()
	driver, address := "sqlite", filepath.Join(b.data, "gantry.db")
	off := `DROP TRIGGER transfer_no_update; DROP TRIGGER transfer_no_delete; DROP TRIGGER ledger_batch_no_update;
		DROP TRIGGER ledger_batch_no_delete; PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1;`
	if b.url != "" {
		driver, address, off = "pgx", b.url, "SET session_replication_role = replica; ALTER TABLE account DROP CONSTRAINT account_covered;"
	}
	db, err := sql.Open(driver, address)
	b.ok(err)
	defer db.Close()
	conn, err := db.Conn(b.t.Context())
	b.ok(err)
	for statement := range strings.SplitSeq(off+statements, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		_, err := conn.ExecContext(b.t.Context(), statement)
		b.ok(err)
	}
	b.ok(conn.Close())
}

// run runs the program on the database.
func (b books) run(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	var out, log bytes.Buffer
	args = append(args, "--data="+b.data)
	code = cli.Run(b.t.Context(), cli.Program{
		Args: args, Env: []string{"GANTRY_DATABASE_URL=" + b.url}, Stdout: &out, Stderr: &log,
		Ledger: cli.Ledger{Verify: verifyLedger, Statement: ledgerStatement},
	})
	return code, out.String(), log.String()
}

// golden holds what was printed against a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s (got, then want):\n%s\n%s", name, got, want)
	}
}

// tampering maps what somebody did to the row that the report must name.
var tampering = map[string]struct{ statements, row string }{
	"amount":   {"UPDATE transfer SET amount = 29 WHERE number = 2", "transfer 2"},
	"deleted":  {"DELETE FROM transfer WHERE number = 3", "transfer 4: number"},
	"balance":  {"UPDATE account SET posted = posted + 1 WHERE code = 'wallet:ada'", "(wallet:ada, USD): posted"},
	"credited": {"UPDATE account SET credited = credited + 1 WHERE code = 'wallet:ada'", "(wallet:ada, USD): credited"},
	"held":     {"UPDATE account SET held = 3 WHERE code = 'wallet:ada'", "(wallet:ada, USD): held"},
	"swapped": {`UPDATE transfer SET number = 99 WHERE number = 2; UPDATE transfer SET number = 2 WHERE number = 3;
		UPDATE transfer SET number = 3 WHERE number = 99`, "transfer 2: debitAfter"},
	"reason":        {"UPDATE transfer SET reason = 'x' WHERE number = 6", "batch 4 (transfers 6 to 6)"},
	"balance_after": {"UPDATE transfer SET credit_after = credit_after + 1 WHERE number = 4", "transfer 4: creditAfter"},
	"batch_hash":    {"UPDATE ledger_batch SET hash = prev_hash WHERE number = 3", "batch 3 (transfers 5 to 5)"},
	"batch_deleted": {"DELETE FROM ledger_batch WHERE number = 3", "batch 4 (transfers 6 to 6): number"},
	"task_charge":   {"UPDATE task SET charged = 29 WHERE id = '" + numbered(20).String() + "'", numbered(20).String() + ": charged"},
	"task_deleted":  {"DELETE FROM task WHERE id = '" + numbered(20).String() + "'", "transfer 2: task"},
	"bill": {
		`UPDATE task SET lines = '[{"currency":"USD","amount":"0.000000001"}]' WHERE id = '` + numbered(22).String() + "'",
		numbered(22).String() + ": sum of lines",
	},
	"inserted": {`INSERT INTO transfer (number, id, at, kind, currency, amount, debit_account_id, credit_account_id,
		debit_after, credit_after, ref_type, ref_id, hold_amount, reason)
		SELECT 8, '01980000-0000-7000-8000-0000000000ff', at, 'grant', currency, 5, debit_account_id, credit_account_id,
		debit_after - 3, credit_after + 3, 'user', 'forged', hold_amount, reason FROM transfer WHERE number = 6;
		UPDATE account SET posted = posted + 5, credited = credited + 5 WHERE code = 'wallet:ada';
		UPDATE account SET posted = posted - 5 WHERE code = 'grant:promo'`, "transfer 8: batch"},
	"captured_twice": {`DROP INDEX transfer_ref_id_unique; INSERT INTO transfer (number, id, at, kind, currency, amount,
		debit_account_id, credit_account_id, debit_after, credit_after, ref_type, ref_id, hold_amount, reason)
		SELECT 8, '01980000-0000-7000-8000-0000000000ff', at, kind, currency, 1, debit_account_id, credit_account_id,
		31, 75, ref_type, ref_id, hold_amount, reason FROM transfer WHERE number = 2`, numbered(20).String() + ": captures"},
	"uncovered":       {"UPDATE account SET held = 33 WHERE code = 'wallet:ada'", "(wallet:ada, USD): posted + overdraft - held"},
	"refund":          {"UPDATE transfer SET amount = 31 WHERE number = 5", "transfer 5: refunded of task"},
	"grant":           {"UPDATE wallet_grant SET returned = 4", "grant " + numbered(30).String() + ": returned"},
	"account_deleted": {"DELETE FROM account WHERE code = 'writeoff:overrun'", "transfer 4: account"},
}

func TestVerifyNamesWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	for name, c := range tampering {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachBooks(t, func(t *testing.T, b books) {
				t.Helper()
				b.tamper(c.statements)
				code, out, log := b.run("ledger", "verify")
				if code != 1 || log != "gantry: the books are not right\n" || !strings.Contains(out, c.row) {
					t.Errorf("code %d, %q; want %q in\n%s", code, log, c.row, out)
				}
				golden(t, "verify_"+name+".txt", out)
			})
		})
	}
}

func TestVerifyOfCleanBooks(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		code, out, log := b.run("ledger", "verify")
		if code != 0 || log != "" {
			t.Errorf("code %d, %q", code, log)
		}
		golden(t, "verify_clean.txt", out)
		code, out, log = b.run("ledger", "verify", "--json")
		if code != 0 || log != "" || !json.Valid([]byte(out)) {
			t.Errorf("code %d, %q", code, log)
		}
		golden(t, "verify_clean.json", out)
	})
}

func TestVerifyAsJSONNamesTheRow(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		b.tamper(tampering["amount"].statements)
		code, out, _ := b.run("ledger", "verify", "--json")
		var report cli.LedgerReport
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || report.OK {
			t.Fatalf("code %d, %v, %+v", code, err, report)
		}
		i := slices.IndexFunc(report.Checks, func(c cli.LedgerCheck) bool { return c.Name == "order" })
		want := cli.LedgerFinding{Row: "transfer 2", Field: "debitAfter", Expected: "0.000000071 USD", Actual: "0.00000007 USD"}
		if got := report.Checks[i]; got.OK || got.First == nil || *got.First != want {
			t.Errorf("got %+v", got)
		}
	})
}

// TestVerifyBesideAProcess verifies while a writer has a transaction open.
func TestVerifyBesideAProcess(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{URL: b.url, Path: filepath.Join(b.data, "gantry.db"), MaxReaders: 2})
		b.ok(err)
		defer s.Close()
		b.ok(s.Wallet().InTx(t.Context(), func(inner tx.Tx) error {
			b.ok(b.post(s, inner, 9, wallet.TransferGrant, promo, mine, 3, "user", "2"))
			if code, out, log := b.run("ledger", "verify"); code != 0 || !strings.HasPrefix(out, "7 transfers") {
				t.Errorf("before the commit: code %d, %s%s", code, log, out)
			}
			return nil
		}))
		if code, out, log := b.run("ledger", "verify"); code != 0 || !strings.HasPrefix(out, "8 transfers") {
			t.Errorf("after the commit: code %d, %s%s", code, log, out)
		}
	})
}

func TestStatements(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		for name, args := range map[string][]string{
			"statement_all.txt":    {"--user=ada"},
			"statement_part.txt":   {"--user=" + numbered(2).String(), "--from=2026-03-01T08:02:00Z", "--to=2026-03-01T16:06:00+08:00"},
			"statement_all.csv":    {"--user=Ada", "--format=csv"},
			"statement_all.json":   {"--user=ada", "--format=json"},
			"statement_none.json":  {"--user=ada", "--format=json", "--from=2027-01-01"},
			"statement_before.csv": {"--user=ada", "--format=csv", "--to=2026-01-01"},
		} {
			code, out, log := b.run(append([]string{"ledger", "statement", "--currency=USD"}, args...)...)
			if code != 0 || log != "" {
				t.Errorf("%s: code %d, %s", name, code, log)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(out)) {
				t.Errorf("%s is no JSON", name)
			}
			golden(t, name, out)
		}
	})
}

func TestLedgerRefusals(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		for want, args := range map[string][]string{
			"there is no user eve":          {"statement", "--user=eve", "--currency=USD"},
			"ada has no wallet in CNY":      {"statement", "--user=ada", "--currency=CNY"},
			"--currency: usd is not":        {"statement", "--user=ada", "--currency=usd"},
			`--from: "soon" is neither`:     {"statement", "--user=ada", "--currency=USD", "--from=soon"},
			"A period ends after it begins": {"statement", "--user=ada", "--currency=USD", "--from=2026-03-02", "--to=2026-03-01"},
			"configuration:\naddr: want":    {"verify", "--addr=x"},
		} {
			code, out, log := b.run(append([]string{"ledger"}, args...)...)
			if code != 1 || out != "" || !strings.Contains(log, want) {
				t.Errorf("%v: code %d, %q, %q; want %q", args, code, out, log, want)
			}
		}
	})
}

// TestNoDatabaseIsMade proves that looking at books that are not there leaves nothing behind.
func TestNoDatabaseIsMade(t *testing.T) {
	t.Parallel()
	b := books{t: t, data: filepath.Join(t.TempDir(), "absent")}
	code, _, log := b.run("ledger", "verify")
	if code != 1 || !strings.Contains(log, "there is no database at") {
		t.Errorf("code %d, %s", code, log)
	}
	if _, err := os.Stat(b.data); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
}

// TestVerifyTakesFurtherChecks adds what is found beside the database.
func TestVerifyTakesFurtherChecks(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, b books) {
		t.Helper()
		cfg := config.Config{Data: b.data}
		cfg.Database.URL = secret.New(b.url)
		finding := wallet.Finding{Check: "journal", Row: "segment 0", Field: "hash", Expected: "a", Actual: "b"}
		found, err := app.VerifyLedger(t.Context(), cfg,
			func(context.Context) ([]wallet.Finding, error) { return nil, nil },
			func(context.Context) ([]wallet.Finding, error) { return []wallet.Finding{finding}, nil })
		b.ok(err)
		if last := found.Checks[len(found.Checks)-1]; found.Clean() || last.Wrong != 1 || last.First != finding {
			t.Errorf("found %+v", found.Checks)
		}
		failed := errors.New("no journal")
		_, err = app.VerifyLedger(t.Context(), cfg, func(context.Context) ([]wallet.Finding, error) { return nil, failed })
		if !errors.Is(err, failed) {
			t.Errorf("error = %v", err)
		}
	})
}
