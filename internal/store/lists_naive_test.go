package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// naive is everything that the lists are about, read row by row.
type naive struct {
	transfers []wallet.Transfer // the newest first, as are the others
	tasks     map[string]tasks.Task
	events    []routing.PolicyEvent
	entries   []audit.Entry
}

func (c *crowd) naive(t *testing.T) naive {
	t.Helper()
	n := naive{tasks: map[string]tasks.Task{}}
	var err error
	must := func() {
		if t.Helper(); err != nil {
			t.Fatal(err)
		}
	}
	n.transfers, err = all[wallet.Transfer, transferRow](t.Context(), c.store.db.reader, byNumber)
	must()
	n.events, err = all[routing.PolicyEvent, policyEventRow](t.Context(), c.store.db.reader, byNumber)
	must()
	n.entries, err = all[audit.Entry, auditRow](t.Context(), c.store.db.reader, byNumber)
	must()
	calls, err := all[tasks.Task, taskRow](t.Context(), c.store.db.reader, byNumber)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range calls {
		n.tasks[v.ID.String()] = v
	}
	slices.Reverse(n.transfers)
	slices.Reverse(n.entries)
	slices.SortStableFunc(n.events, func(a, b routing.PolicyEvent) int { return b.At.Compare(a.At) })
	return n
}

// during reports whether a moment is in a time as lists mean it.
func during(at, from, to time.Time) bool {
	return (from.IsZero() || !at.Before(from)) && (to.IsZero() || at.Before(to))
}

// entry tells whether a transfer is in a list of the user's, as the list's documentation says.
func (c *crowd) entry(v *wallet.Transfer, q *wallet.EntryQuery) bool {
	purse := c.purses[q.User]
	debit, credit := v.DebitAccountID == purse, v.CreditAccountID == purse
	return (debit && q.Direction != "credit" || credit && q.Direction != "debit") && (q.Kind == "" || v.Kind == q.Kind) &&
		during(v.At, q.From, q.To)
}

func (n *naive) named(v *wallet.Transfer, text string) bool {
	return text == v.RefID || n.tasks[v.RefID].RequestID == text
}

func says(v *wallet.Transfer, text string) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(text)) }
	return has(string(v.Kind)) || has(v.Reason) || v.Kind != wallet.TransferCapture && has(v.RefID)
}

func (c *crowd) entriesOf(n *naive, q wallet.EntryQuery) (out []string) {
	named := slices.ContainsFunc(n.transfers, func(v wallet.Transfer) bool {
		return q.Text != "" && c.entry(&v, &wallet.EntryQuery{User: q.User}) && n.named(&v, q.Text)
	})
	for i := range n.transfers {
		v := &n.transfers[i]
		if c.entry(v, &q) && (q.Text == "" || named && n.named(v, q.Text) || !named && says(v, q.Text)) {
			out = append(out, fmt.Sprint(v.Number))
		}
	}
	return out
}

// part cuts a page out of a whole list.
func part(whole []string, p page.Request) shown {
	from := min((p.Page-1)*p.Size, len(whole))
	return shown{Total: int64(len(whole)), IDs: slices.Clip(whole[from:min(from+p.Size, len(whole))])}
}

var naivePages = []page.Request{{Page: 1, Size: 7}, {Page: 2, Size: 50}, {Page: 3, Size: 200}, {Page: 9, Size: 30}, {Page: 300, Size: 3}}

// TestListsShowWhatTheyShould compares lists with what a reader of all rows finds: before anything is counted, half-way, and
// after. The chunks are small, so that pages cross many.
func TestListsShowWhatTheyShould(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		c := newCrowd(t, migrated(t, o), fewCalls)
		n := c.naive(t)
		for _, most := range []int{0, 5, 1000} {
			if _, err := c.store.Wallet().entriesCount(t.Context(), 23, most); err != nil {
				t.Fatal(err)
			}
			c.compareEntries(t, &n)
		}
		c.compareEvents(t, &n)
		c.compareAudit(t, &n)
		if left, err := c.store.Wallet().entriesCount(t.Context(), 23, 1000); left != 0 || err != nil {
			t.Errorf("%d chunks were counted again, %v", left, err)
		}
	})
}

func (c *crowd) compareEntries(t *testing.T, n *naive) {
	t.Helper()
	for name, q := range c.entryQuestions() {
		whole := c.entriesOf(n, q)
		for _, q.Page = range naivePages {
			p, err := c.store.Wallet().EntryList(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got := shown{Total: p.Total}
			for _, e := range p.Items {
				got.IDs = append(got.IDs, fmt.Sprint(e.Number))
			}
			if want := part(whole, q.Page); got.Total != want.Total || !slices.Equal(got.IDs, want.IDs) {
				t.Fatalf("entries/%s %+v (-want +got)\n%s", name, q.Page, cmp.Diff(want, got))
			}
		}
	}
}

func (c *crowd) compareEvents(t *testing.T, n *naive) {
	t.Helper()
	for name, q := range c.eventQuestions() {
		var whole []string
		for _, e := range n.events {
			if (q.Platform.IsZero() || e.PlatformID == q.Platform) && (q.Model.IsZero() || e.PlatformModelID == q.Model) &&
				(q.Credential.IsZero() || e.CredentialID == q.Credential) && (q.Kind == "" || e.Kind == q.Kind) && during(e.At, q.From, q.To) {
				whole = append(whole, e.ID.String())
			}
		}
		for _, q.Page = range naivePages {
			p, err := c.store.Routing().PolicyEventList(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got := shown{Total: p.Total}
			for _, e := range p.Items {
				got.IDs = append(got.IDs, e.ID.String())
			}
			if want := part(whole, q.Page); got.Total != want.Total || !slices.Equal(got.IDs, want.IDs) {
				t.Fatalf("policies/%s %+v (-want +got)\n%s", name, q.Page, cmp.Diff(want, got))
			}
		}
	}
}

func (c *crowd) compareAudit(t *testing.T, n *naive) {
	t.Helper()
	for name, q := range c.auditQuestions() {
		var want, got []string
		for _, e := range n.entries {
			if (q.Category == "" || e.Category == q.Category) && (q.Action == "" || e.Action == q.Action) &&
				(q.TargetType == "" || e.TargetType == q.TargetType) && (q.TargetID == "" || e.TargetID == q.TargetID) {
				want = append(want, e.ID.String())
			}
		}
		want = want[:min(len(want), max(q.Limit, 100))]
		found, err := c.store.Audit().EntryList(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			got = append(got, e.ID.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("audit/%s (-want +got)\n%s", name, cmp.Diff(want, got))
		}
	}
}
