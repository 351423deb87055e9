package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

var (
	anyDay   = time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	anyMonth = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// used expects what a scope has used ever, since anyDay and since anyMonth.
func (w *world) used(kind limits.Kind, scope id.ID, total, day, month money.Amount) {
	w.t.Helper()
	found(w, "used by the "+kind.String(), limits.Used{Total: total, Day: day, Month: month})(
		w.Limits().QuotaUsed(w.ctx, limits.Scope{Kind: kind, ID: scope}, money.USD, anyDay, anyMonth))
}

// keyInApp is a key of w.user in a new app.
func (w *world) keyInApp() identity.APIKey {
	w.t.Helper()
	app := identity.App{ID: id.New(), TenantID: w.tenant.ID, UserID: w.user.ID, Name: "a", Status: identity.Active}
	key := w.newKey(w.user)
	key.AppID = app.ID
	w.must(func(t tx.Tx) error {
		if err := w.Identity().AppInsert(w.ctx, t, &app); err != nil {
			return err
		}
		return w.Identity().APIKeyUpdate(w.ctx, t, &key)
	})
	return key
}

// testQuotaUsage books calls of one day, of the day before, and of the month before, in all their scopes.
func testQuotaUsage(_ *testing.T, w *world) {
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 1000)
	key := w.keyInApp()
	group := id.New()
	today, yesterday, before := w.record(b, 10, 3), w.record(b, 20, 0), w.record(b, 40, 0)
	free := w.record(b, 0, 0)
	today.Task.APIKeyID, today.Task.GroupID = key.ID, group
	today.Task.CreatedAt = anyDay
	yesterday.Task.CreatedAt, yesterday.Task.APIKeyID = anyDay.Add(-time.Microsecond), key.ID
	before.Task.CreatedAt = anyMonth.Add(-time.Microsecond)
	w.apply(today, yesterday, free)
	w.apply(before)

	w.used(limits.KindUser, w.user.ID, 70, 10, 30)
	w.used(limits.KindTenant, w.tenant.ID, 70, 10, 30)
	w.used(limits.KindKey, key.ID, 30, 10, 30)
	w.used(limits.KindApp, key.AppID, 30, 10, 30)
	w.used(limits.KindGroup, group, 10, 10, 10)
	w.used(limits.KindUser, id.New(), 0, 0, 0)
	found(w, "in another currency", limits.Used{})(
		w.Limits().QuotaUsed(w.ctx, limits.Scope{Kind: limits.KindUser, ID: w.user.ID}, money.SIM, anyDay, anyMonth))
}

// testQuotaUsageAgain applies batches that overlap at the same time: what was used is what was captured, once.
func testQuotaUsageAgain(t *testing.T, w *world) {
	t.Helper()
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 1000)
	var records []*journal.Record
	for range 10 {
		records = append(records, w.record(b, 7, 1))
	}
	w.applyAtOnce(t, records[:6], records[4:], records)
	w.used(limits.KindUser, w.user.ID, 70, 70, 70)
	greedy := w.record(b, 10_000, 0)
	w.refused(w.Journal().RecordsApply(w.ctx, []*journal.Record{greedy}, journal.Position{}), wallet.ErrInsufficient, "")
	w.used(limits.KindUser, w.user.ID, 70, 70, 70)
}

func testQuotaFold(_ *testing.T, w *world) {
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 1000)
	for months := range 4 {
		for range 2 {
			r := w.record(b, 5, 0)
			r.Task.CreatedAt = anyDay.AddDate(0, -months, 0)
			w.apply(r)
		}
	}
	w.used(limits.KindUser, w.user.ID, 40, 10, 10)
	for range 2 { // once more changes nothing
		w.ok(w.Limits().QuotaFold(w.ctx, anyMonth.AddDate(0, -1, 0)))
		w.used(limits.KindUser, w.user.ID, 40, 10, 10)
	}
	w.ok(w.Limits().QuotaFold(w.ctx, anyMonth))
	w.used(limits.KindUser, w.user.ID, 40, 10, 10)
}

func testLimitPolicies(_ *testing.T, w *world) {
	s := w.Limits()
	of := func(kind limits.Kind, scope id.ID, rate, quota string) {
		w.t.Helper()
		gotRate, gotQuota, err := s.PolicyOf(w.ctx, limits.Scope{Kind: kind, ID: scope})
		w.ok(err)
		same(w, kind.String(), [2]string{string(gotRate), string(gotQuota)}, [2]string{rate, quota})
	}
	of(limits.KindUser, w.user.ID, "", "")
	of(limits.KindUser, id.New(), "", "")
	w.must(func(t tx.Tx) error {
		return s.UserPoliciesPut(w.ctx, t, w.user.ID, json.RawMessage(`{"rpm":1}`), nil)
	})
	of(limits.KindUser, w.user.ID, `{"rpm":1}`, "")
	user := w.user
	user.DisplayName = "another"
	w.must(func(t tx.Tx) error { return w.Identity().UserUpdate(w.ctx, t, &user) })
	of(limits.KindUser, w.user.ID, `{"rpm":1}`, "") // whoever changes a user leaves its limits
	w.must(func(t tx.Tx) error { return s.UserPoliciesPut(w.ctx, t, w.user.ID, nil, nil) })
	of(limits.KindUser, w.user.ID, "", "")
	w.refused(w.in(func(t tx.Tx) error { return s.UserPoliciesPut(w.ctx, t, id.New(), nil, nil) }), fault.ErrNotFound, "")

	tenant := identity.Tenant{
		ID: id.New(), Key: "limited", Policies: json.RawMessage(`{"quotaPolicy":{"currency":"USD","total":"1"},"other":1}`),
	}
	group := identity.Group{
		ID: id.New(), TenantID: w.tenant.ID, Key: "g", RateLimitPolicy: json.RawMessage(`{"tpm":2}`),
		QuotaPolicy: json.RawMessage(`{}`),
	}
	w.must(func(t tx.Tx) error {
		if err := w.Identity().TenantInsert(w.ctx, t, &tenant); err != nil {
			return err
		}
		return w.Identity().GroupInsert(w.ctx, t, &group)
	})
	of(limits.KindTenant, tenant.ID, "", `{"currency":"USD","total":"1"}`)
	of(limits.KindGroup, group.ID, `{"tpm":2}`, `{}`)
	of(limits.KindPlatform, id.New(), "", "")
}

func testLimitWindows(_ *testing.T, w *world) {
	s := w.Limits()
	tick := epoch.UnixNano() / int64(time.Hour/limits.Slices)
	window := func(used int64) limits.SavedWindow {
		return limits.SavedWindow{
			Scope: limits.Scope{Kind: limits.KindKey, ID: id.New()}, Metric: limits.Tokens, Span: time.Hour, Limit: 100,
			Cells: []limits.SavedCell{{Tick: tick - 1, Used: 1}, {Tick: tick, Used: used}},
		}
	}
	one, two := window(3), window(4)
	two.Metric, two.Currency = limits.Amount, money.USD
	w.ok(s.WindowsSave(w.ctx, "a", epoch, []limits.SavedWindow{one, two}))
	w.ok(s.WindowsSave(w.ctx, "b", epoch, []limits.SavedWindow{one}))
	one.Cells[1].Used = 9
	w.ok(s.WindowsSave(w.ctx, "a", epoch, []limits.SavedWindow{one}))
	got, err := s.WindowsLoad(w.ctx, "a", epoch)
	w.ok(err)
	if len(got) == 2 && got[0].Scope != one.Scope {
		got[0], got[1] = got[1], got[0]
	}
	same(w, "windows", got, []limits.SavedWindow{one, two})
	late := one.Until()
	w.ok(s.WindowsSave(w.ctx, "a", late, nil))
	found(w, "windows that have passed", []limits.SavedWindow{})(s.WindowsLoad(w.ctx, "a", epoch))
	got, err = s.WindowsLoad(w.ctx, "b", epoch)
	w.ok(err)
	same(w, "another node's windows", len(got), 1)
	found(w, "another node's windows that have passed", []limits.SavedWindow{})(s.WindowsLoad(w.ctx, "b", late))
}
