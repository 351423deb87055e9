package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testPolicyEvents(t *testing.T, w *world) {
	t.Helper()
	s := w.Routing()
	var list []routing.PolicyEvent
	for i := range 5 {
		var e routing.PolicyEvent
		fill(&e)
		e.At, e.Kind = epoch.Add(time.Duration(i)*time.Second), routing.EventKinds[i%2]
		list = append(list, e)
	}
	list[4].PlatformModelID, list[4].CredentialID, list[4].Until = id.ID{}, id.ID{}, time.Time{}
	w.ok(s.PolicyEventsInsert(w.ctx, list[:3]))
	w.ok(s.PolicyEventsInsert(w.ctx, list)) // a batch whose answer was lost comes again
	w.ok(s.PolicyEventsInsert(w.ctx, nil))
	for name, c := range map[string]struct {
		query routing.EventQuery
		want  []int
	}{
		"all":             {routing.EventQuery{}, []int{4, 3, 2, 1, 0}},
		"a page":          {routing.EventQuery{Page: page.Request{Page: 2, Size: 2}}, []int{2, 1}},
		"of a platform":   {routing.EventQuery{Platform: list[2].PlatformID}, []int{2}},
		"of a model":      {routing.EventQuery{Model: list[1].PlatformModelID}, []int{1}},
		"of a credential": {routing.EventQuery{Credential: list[0].CredentialID}, []int{0}},
		"of a kind":       {routing.EventQuery{Kind: routing.EventKinds[1]}, []int{3, 1}},
		"of a time":       {routing.EventQuery{From: list[1].At, To: list[3].At}, []int{2, 1}},
		"of nobody":       {routing.EventQuery{Platform: id.New()}, nil},
	} {
		got, err := s.PolicyEventList(w.ctx, c.query)
		w.ok(err)
		var ids, want []id.ID
		for _, e := range got.Items {
			ids = append(ids, e.ID)
		}
		for _, i := range c.want {
			want = append(want, list[i].ID)
		}
		same(w, name, ids, want)
	}
	got, err := s.PolicyEventList(w.ctx, routing.EventQuery{Page: page.Request{Page: 1, Size: 1}})
	w.ok(err)
	same(w, "total", got.Total, int64(5))
	if got.Items[0].Number == 0 {
		t.Error("the event has no number")
	}
	got.Items[0].Number = 0
	same(w, "every field", got.Items[0], list[4])
	n, err := s.PolicyEventsForget(w.ctx, list[3].At)
	w.ok(err)
	same(w, "forgotten", n, int64(3))
}

func testSick(_ *testing.T, w *world) {
	s := w.Routing()
	p, deleted := w.newPlatform(), w.newPlatform()
	p.CooldownUntil = time.Time{}
	for i := range p.Credentials {
		p.Credentials[i].CooldownUntil, p.Credentials[i].Status = time.Time{}, routing.Enabled
	}
	deleted.Status, deleted.Credentials = routing.Deleted, nil
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &p) })
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &deleted) })
	m := routing.PlatformModel{ID: id.New(), PlatformID: p.ID}
	w.must(func(t tx.Tx) error { return s.ModelInsert(w.ctx, t, &m) })
	found(w, "when all are well", []routing.Sick{})(s.SickList(w.ctx))

	until := epoch.Add(time.Hour)
	key := &p.Credentials[0]
	list := []routing.Sick{
		{Kind: routing.UnitPlatform, ID: p.ID, Platform: p.ID, Until: until},
		{Kind: routing.UnitModel, ID: m.ID, Platform: p.ID, Until: until.Add(time.Second)},
		{
			Kind: routing.UnitCredential, ID: key.ID, Platform: p.ID, Until: until.Add(time.Minute), Disabled: true,
			Reason: "authentication", Since: epoch,
		},
	}
	w.ok(s.SickSave(w.ctx, append(list, routing.Sick{Kind: routing.UnitModel, ID: id.New(), Until: until})))
	found(w, "what is sick", list)(s.SickList(w.ctx))
	p.CooldownUntil = until
	key.Status, key.DisabledReason, key.DisabledAt, key.CooldownUntil = routing.AutoDisabled, "authentication", epoch, list[2].Until
	found(w, "the rows", p)(s.PlatformByID(w.ctx, p.ID))

	for i := range list {
		list[i] = routing.Sick{Kind: list[i].Kind, ID: list[i].ID}
	}
	w.ok(s.SickSave(w.ctx, list))
	found(w, "when all are well again", []routing.Sick{})(s.SickList(w.ctx))
	p.CooldownUntil = time.Time{}
	key.Status, key.DisabledReason, key.DisabledAt, key.CooldownUntil = routing.Enabled, "", time.Time{}, time.Time{}
	found(w, "the rows again", p)(s.PlatformByID(w.ctx, p.ID))

	key.Status, key.DisabledReason = routing.Disabled, "by hand"
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &p) })
	w.ok(s.SickSave(w.ctx, []routing.Sick{{Kind: routing.UnitCredential, ID: key.ID, Until: until, Disabled: true, Reason: "x"}}))
	found(w, "what people disabled", p)(s.PlatformByID(w.ctx, p.ID))
}

// testHealthOverRestart: what is left alone for longer than a minute is so after a restart and on other nodes, until one
// of them finds it well.
func testHealthOverRestart(t *testing.T, w *world) {
	t.Helper()
	s := w.Routing()
	p := w.newPlatform()
	for i := range p.Credentials {
		p.Credentials[i].CooldownUntil, p.Credentials[i].Status = time.Time{}, routing.Enabled
	}
	p.CooldownUntil = time.Time{}
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &p) })
	m := routing.PlatformModel{ID: id.New(), PlatformID: p.ID}
	w.must(func(t tx.Tx) error { return s.ModelInsert(w.ctx, t, &m) })

	rule := func(cooldown time.Duration, disables bool) *routing.Rule {
		return &routing.Rule{Key: "k", Threshold: 1, Window: time.Minute, Cooldown: cooldown, MaxCooldown: time.Hour, Disables: disables}
	}
	var here, there routing.Health
	units := func(h *routing.Health) [3]*routing.Unit {
		return [3]*routing.Unit{
			h.Unit(routing.UnitPlatform, p.ID, p.ID), h.Unit(routing.UnitModel, m.ID, p.ID),
			h.Unit(routing.UnitCredential, p.Credentials[0].ID, p.ID),
		}
	}
	failure := &routing.Failure{Category: "authentication"}
	units(&here)[0].Fail(rule(30*time.Second, false), failure, epoch, false)
	units(&here)[1].Fail(rule(5*time.Minute, false), failure, epoch, false)
	units(&here)[2].Fail(rule(10*time.Second, true), failure, epoch, false)
	w.ok(here.Save(w.ctx, s))
	w.ok(there.Load(w.ctx, s))
	gates := func(name string, h *routing.Health, want ...routing.Gate) {
		t.Helper()
		for i, u := range units(h) {
			if gate, _ := u.Gate(epoch.Add(time.Second)); gate != want[i] {
				t.Errorf("%s: gate of the %s %d, want %d", name, u.Kind, gate, want[i])
			}
		}
	}
	gates("there", &there, routing.Open, routing.Cooling, routing.Firm)
	w.ok(here.Load(w.ctx, s))
	gates("here", &here, routing.Cooling, routing.Cooling, routing.Firm)
	row, err := s.PlatformByID(w.ctx, p.ID)
	w.ok(err)
	same(w, "the credential's row", row.Credentials[0].Status, routing.AutoDisabled)
	same(w, "its reason", row.Credentials[0].DisabledReason, "authentication")

	later := epoch.Add(time.Minute)
	if _, ok := units(&there)[2].Succeed(later, later, true); !ok {
		t.Error("the probe there opened nothing")
	}
	w.ok(there.Save(w.ctx, s))
	w.ok(here.Load(w.ctx, s))
	gates("here again", &here, routing.Cooling, routing.Cooling, routing.Open)
	row, err = s.PlatformByID(w.ctx, p.ID)
	w.ok(err)
	same(w, "the row again", row.Credentials[0].Status, routing.Enabled)
}
