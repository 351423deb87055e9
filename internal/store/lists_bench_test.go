package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// listRows is how many calls and transfers the benchmark lists from; GANTRY_LIST_ROWS sets another number.
func listRows(b *testing.B) int {
	b.Helper()
	text := os.Getenv("GANTRY_LIST_ROWS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// listDatabase is where the lists of an engine are measured. GANTRY_LIST_SQLITE (a file) and GANTRY_LIST_POSTGRES (a URL)
// name databases that are filled once and kept.
func listDatabase(b *testing.B, engine string) Options {
	b.Helper()
	o := Options{Path: os.Getenv("GANTRY_LIST_SQLITE"), URL: os.Getenv("GANTRY_LIST_POSTGRES"), MaxReaders: 4}
	switch {
	case engine == "sqlite":
		o.URL = ""
		if o.Path == "" {
			o.Path = filepath.Join(b.TempDir(), "gantry.db")
		}
	case o.URL == "":
		o.URL = pgtest.New(b)
	}
	o.Clock = func() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }
	return o
}

// listWorld opens the database of an engine, fills it if it is empty, and counts what is over.
func listWorld(b *testing.B, engine string) *crowd {
	b.Helper()
	s, err := Open(b.Context(), listDatabase(b, engine))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	c := knownCrowd(b, s)
	if c == nil {
		c = newCrowd(b, s, listRows(b))
		b.Logf("%d rows of each kind after %v", c.calls, time.Since(begun).Round(time.Second))
	}
	c.count()
	return c
}

// BenchmarkLists measures what a page of each list costs, and its total, on both databases. p95-ms is over all turns.
func BenchmarkLists(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			c := listWorld(b, engine)
			for _, list := range c.lists() {
				b.Run(list.name, func(b *testing.B) { measureList(b, list) })
			}
		})
	}
}

const listTurns = 40

func measureList(b *testing.B, list crowdList) {
	b.Helper()
	var took []time.Duration
	var total int64
	for b.Loop() {
		for range listTurns {
			begun := time.Now()
			n, err := list.ask(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			took, total = append(took, time.Since(begun)), n
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(total), "total")
	b.ReportMetric(0, "ns/op")
}

// crowdList is one question that people ask; ask returns the total.
type crowdList struct {
	name string
	ask  func(context.Context) (int64, error)
}

func (c *crowd) lists() []crowdList {
	var lists []crowdList
	for name, q := range c.taskQuestions() {
		if q.User.IsZero() {
			continue // no surface lists the tasks of everybody
		}
		lists = append(lists, crowdList{"tasks/" + name, func(ctx context.Context) (int64, error) {
			p, err := c.store.Tasks().TaskList(ctx, q)
			return p.Total, err
		}})
	}
	for name, q := range c.entryQuestions() {
		lists = append(lists, crowdList{"entries/" + name, func(ctx context.Context) (int64, error) {
			p, err := c.store.Wallet().EntryList(ctx, q)
			return p.Total, err
		}})
	}
	everybody := identity.EveryTenant()
	for name, q := range map[string]identity.UserQuery{
		"first": {Realm: everybody}, "text": {Realm: everybody, Text: "user19"}, "nothing": {Realm: everybody, Text: "nobody there"},
	} {
		lists = append(lists, crowdList{"users/" + name, func(ctx context.Context) (int64, error) {
			p, err := c.store.Identity().UserList(ctx, q)
			return p.Total, err
		}})
	}
	for name, q := range c.auditQuestions() {
		lists = append(lists, crowdList{"audit/" + name, func(ctx context.Context) (int64, error) {
			found, err := c.store.Audit().EntryList(ctx, q)
			return int64(len(found)), err
		}})
	}
	for name, q := range c.eventQuestions() {
		lists = append(lists, crowdList{"policies/" + name, func(ctx context.Context) (int64, error) {
			p, err := c.store.Routing().PolicyEventList(ctx, q)
			return p.Total, err
		}})
	}
	slices.SortFunc(lists, func(x, y crowdList) int { return strings.Compare(x.name, y.name) })
	return lists
}

// taskQuestions are the filters of the contract alone and together, on first and deep pages, of the big user and of all.
func (c *crowd) taskQuestions() map[string]tasks.Query {
	simulated := true
	day := 24 * time.Hour
	filters := map[string]tasks.Query{
		"all": {}, "status": {Statuses: []tasks.Status{tasks.Failed}}, "type": {ModelType: "embedding"}, "kind": {Kind: "chat.completions"},
		"model": {Model: "qwen4-max"}, "key": {APIKey: c.keys[c.users[0].ID][1]}, "simulated": {Simulated: &simulated},
		"from": {From: c.end.Add(-30 * day)}, "day": {From: c.begin.Add(40*day + 5*time.Hour), To: c.begin.Add(41*day + 5*time.Hour)},
		"to": {To: c.begin.Add(33*day + 12345*time.Second)}, "q-request": {Text: c.middle.RequestID}, "q-id": {Text: c.middle.ID.String()},
		"q-model": {Text: "Gemini"}, "q-nothing": {Text: "nowhere at all"}, "q-prefix": {Text: "req-0001"},
		"together":   {ModelType: "chat", Statuses: []tasks.Status{tasks.Failed, tasks.Canceled}, From: c.begin.Add(20 * day), To: c.end.Add(-5 * day)},
		"rare":       {Statuses: []tasks.Status{tasks.Canceled}, Model: "veo-4-2026", APIKey: c.keys[c.users[0].ID][0]},
		"together-q": {ModelType: "chat", Text: "claude", From: c.begin.Add(20 * day), To: c.end.Add(-5 * day)},
	}
	out := map[string]tasks.Query{}
	for name, q := range filters {
		for who, user := range map[string]id.ID{"big": c.users[0].ID, "mid": c.users[5].ID, "small": c.users[len(c.users)-1].ID} {
			q.User = user
			out[who+"/"+name] = q
		}
		q.User, q.Page = c.users[0].ID, page.Request{Page: 1000, Size: 50}
		out["big/"+name+"-deep"] = q
	}
	for _, name := range []string{"all", "status", "type", "model", "day", "q-id"} {
		q := filters[name]
		out["everybody/"+name] = q
		q.Page = page.Request{Page: 5000, Size: 50}
		out["everybody/"+name+"-deep"] = q
	}
	return out
}

func (c *crowd) entryQuestions() map[string]wallet.EntryQuery {
	day := 24 * time.Hour
	out := map[string]wallet.EntryQuery{}
	for name, q := range map[string]wallet.EntryQuery{
		"all": {}, "credit": {Direction: "credit"}, "debit": {Direction: "debit"}, "kind": {Kind: wallet.TransferAdjustment},
		"capture": {Kind: wallet.TransferCapture}, "from": {From: c.end.Add(-30 * day)},
		"day": {From: c.begin.Add(40 * day), To: c.begin.Add(41 * day)}, "q-reason": {Text: "top-up"}, "q-all": {Text: "usage"},
		"q-ref": {Text: c.middle.ID.String()}, "q-request": {Text: c.middle.RequestID}, "q-nothing": {Text: "nowhere"},
		"q-rare": {Text: "crash"}, "q-rare-from": {Text: "crash", From: c.end.Add(-30*day - time.Hour)},
		"q-number": {Text: "up 44"}, "q-together": {Text: "usage", Direction: "debit", From: c.begin.Add(20*day + time.Hour), To: c.end.Add(-5 * day)},
		"together": {Direction: "debit", Kind: wallet.TransferCapture, From: c.begin.Add(20 * day), To: c.end.Add(-5 * day)},
	} {
		q.User = c.users[0].ID
		out["big/"+name] = q
		q.Page = page.Request{Page: 1000, Size: 50}
		out["big/"+name+"-deep"] = q
		q.Page = page.Request{Page: 5500, Size: 50}
		out["big/"+name+"-last"] = q
		q.User, q.Page = c.users[len(c.users)-1].ID, page.Request{}
		out["small/"+name] = q
	}
	return out
}

// auditQuestions are the filters alone, together, and together such that nothing is found.
func (c *crowd) auditQuestions() map[string]audit.Query {
	often, seldom := crowdActions[0], crowdActions[len(crowdActions)-1]
	return map[string]audit.Query{
		"first": {}, "thousand": {Limit: 1000}, "category": {Category: often[0]}, "action": {Action: often[1]},
		"type": {TargetType: often[2]}, "seldom": {Action: seldom[1]}, "seldom-thousand": {Category: seldom[0], Limit: 1000},
		"target": {TargetType: "user", TargetID: c.users[7].ID.String()}, "target-only": {TargetID: c.users[7].ID.String()},
		"target-action": {Action: seldom[1], TargetID: c.users[7].ID.String()},
		"together":      {Category: often[0], Action: often[1], TargetType: often[2]},
		"never":         {Category: often[0], TargetType: "wallet"}, "never-action": {Category: "wallet", Action: often[1]},
	}
}

func (c *crowd) eventQuestions() map[string]routing.EventQuery {
	day := 24 * time.Hour
	out := map[string]routing.EventQuery{}
	for name, q := range map[string]routing.EventQuery{
		"all": {}, "platform": {Platform: upstreamID(0)}, "platform-seldom": {Platform: upstreamID(upstreams - 1)},
		"model": {Model: upstreamID(21)}, "credential": {Credential: upstreamID(100)}, "kind": {Kind: "cooldown"},
		"kind-seldom": {Kind: "recovery"}, "from": {From: c.end.Add(-30*day - 17*time.Minute)},
		"day":      {From: c.begin.Add(40*day + 5*time.Minute), To: c.begin.Add(41*day + 7*time.Minute)},
		"together": {Kind: "probe", Platform: upstreamID(3), From: c.begin.Add(20*day + time.Minute), To: c.end.Add(-5*day - time.Minute)},
		"nothing":  {Kind: "disable", Model: upstreamID(21)},
	} {
		out[name] = q
		q.Page = page.Request{Page: 1000, Size: 50}
		out[name+"-deep"] = q
	}
	return out
}
