package store

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// recorder keeps the text of every query.
type recorder struct {
	mu      sync.Mutex
	queries []string
}

func (r *recorder) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queries = append(r.queries, e.Query)
	return ctx
}

func (r *recorder) AfterQuery(context.Context, *bun.QueryEvent) {}

// bareScan matches a plan that reads a growing table itself from end to end. An index that is read from end to end is
// accepted: it holds all that the query looks at, and a list stops after a page.
var bareScan = regexp.MustCompile(`SCAN (task|replay|transfer|audit_entry|audit_row|task_row|transfer_row|task_tally|entry_tally|platform_policy_event|platform_policy_tally|policy_event_row)$`)

// bareSeqScan is the same in PostgreSQL, told not to read from end to end where it need not.
var bareSeqScan = regexp.MustCompile(`Seq Scan on (task|replay|transfer|audit_entry|task_tally|entry_tally|platform_policy_event|platform_policy_tally)\b`)

// TestListsUseIndexesOfPostgres asks PostgreSQL for its plans of lists in a world with days that were counted.
func TestListsUseIndexesOfPostgres(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	s := migrated(t, Options{URL: pgtest.New(t), MaxReaders: 1, Clock: func() time.Time { return now }})
	c := newCrowd(t, s, fewCalls)
	if _, err := s.Tasks().DaysSeal(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	// The only connection, so that it holds for the lists and for the plans.
	if _, err := s.db.reader.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
		t.Fatal(err)
	}
	var r recorder
	s.db.reader = s.db.reader.WithQueryHook(&r)
	for _, list := range c.lists() {
		if _, err := list.ask(t.Context()); err != nil {
			t.Fatalf("%s: %v", list.name, err)
		}
	}
	seen := map[string]bool{}
	for _, query := range r.queries {
		if strings.HasPrefix(query, "SELECT") && !seen[query] {
			seen[query] = true
			checkSeqScan(t, s, query)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d queries were recorded", len(seen))
	}
}

func checkSeqScan(t *testing.T, s *Store, query string) {
	t.Helper()
	rows, err := s.db.reader.DB.QueryContext(t.Context(), "EXPLAIN "+query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if bareSeqScan.MatchString(line) {
			t.Errorf("%s\n  %s", query, line)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestListsUseIndexes asks SQLite how it would run every query of the lists that grow without bound.
func TestListsUseIndexes(t *testing.T) {
	t.Parallel()
	s := migrated(t, Options{Path: filepath.Join(t.TempDir(), "plan.db")})
	user := planWorld(t, s)
	c := newCrowd(t, s, fewCalls)
	if _, err := s.Tasks().DaysSeal(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	var r recorder
	s.db.reader = s.db.reader.WithQueryHook(&r)
	for _, list := range c.lists() {
		if _, err := list.ask(t.Context()); err != nil {
			t.Fatalf("%s: %v", list.name, err)
		}
	}
	for _, q := range taskQueries(user) {
		if _, err := s.Tasks().TaskList(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range entryQueries(user) {
		if _, err := s.Wallet().EntryList(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []audit.Query{{Category: "c"}, {Action: "a"}, {TargetType: "t", TargetID: "i"}, {Category: "c", Action: "a"}} {
		if _, err := s.Audit().EntryList(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.queries) < 30 {
		t.Fatalf("only %d queries were recorded", len(r.queries))
	}
	for _, query := range r.queries {
		if strings.HasPrefix(query, "SELECT") {
			checkPlan(t, s, query)
		}
	}
}

func taskQueries(user id.ID) []tasks.Query {
	var queries []tasks.Query
	for _, u := range []id.ID{{}, user} {
		queries = append(queries, tasks.Query{User: u}, tasks.Query{User: u, Status: "failed"},
			tasks.Query{User: u, Kind: "k", ModelType: "t", Model: "m", APIKey: id.New()},
			tasks.Query{User: u, Text: "text"}, tasks.Query{User: u, Text: id.New().String()},
			tasks.Query{User: u, From: time.Now(), To: time.Now()})
	}
	return queries
}

func entryQueries(user id.ID) []wallet.EntryQuery {
	return []wallet.EntryQuery{
		{User: user},
		{User: user, Direction: "credit"},
		{User: user, Direction: "debit", Kind: "capture", From: time.Now(), To: time.Now()},
		{User: user, Text: "text"},
	}
}

// planWorld makes a user with two wallets, so that the lists have something to ask for.
func planWorld(t *testing.T, s *Store) id.ID {
	t.Helper()
	tenant := identity.Tenant{ID: id.New(), Key: "t"}
	user := identity.User{ID: id.New(), TenantID: tenant.ID, Username: "u"}
	err := s.Identity().InTx(t.Context(), func(inner tx.Tx) error {
		if err := s.Identity().TenantInsert(t.Context(), inner, &tenant); err != nil {
			return err
		}
		if err := s.Identity().UserInsert(t.Context(), inner, &user); err != nil {
			return err
		}
		for _, code := range []string{"CNY", "SIM", "USD"} {
			a := wallet.Account{
				ID: id.New(), Code: code, Kind: wallet.KindWallet, UserID: user.ID, Currency: money.Currency(code),
			}
			if _, err := s.Wallet().AccountEnsure(t.Context(), inner, &a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

// checkPlan refuses bare scans, and sorting anything but the rows of one page.
func checkPlan(t *testing.T, s *Store, query string) {
	t.Helper()
	rows, err := s.db.reader.DB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	paged := strings.Contains(query, ") AS newest") // which are pages
	for rows.Next() {
		var node, parent, unused int
		var detail string
		if err := rows.Scan(&node, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		paged = paged || strings.HasPrefix(detail, "LIST SUBQUERY") || strings.Contains(detail, "INTEGER PRIMARY KEY")
		// What is made distinct are the models of a user: few.
		sorts := strings.HasPrefix(detail, "USE TEMP B-TREE") && !strings.HasSuffix(detail, "DISTINCT") && (parent != 0 || !paged)
		// Without a condition a list stops after a page of the table's own order.
		if bareScan.MatchString(detail) && strings.Contains(query, "WHERE") || sorts {
			t.Errorf("%s\n  %s", query, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
