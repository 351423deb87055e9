package access_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/access/accesstest"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// office is a service over memory, in which ann, with a key, and eve, of another tenant, are to be ruled about.
type office struct {
	*access.Service
	store   *accesstest.Store
	changes []event.Change
	told    int
	model   id.ID
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{store: accesstest.NewStore(), model: named("model")}
	subjects := map[id.ID]access.Subject{
		named("ann"):     {Type: access.SubjectUser, ID: named("ann"), TenantID: operator},
		named("ann key"): {Type: access.SubjectAPIKey, ID: named("ann key"), TenantID: operator, OwnerID: named("ann")},
		named("eve"):     {Type: access.SubjectUser, ID: named("eve"), TenantID: named("acme")},
	}
	o.store.Subject = func(kind access.SubjectType, v id.ID) (access.Subject, bool) {
		s, ok := subjects[v]
		return s, ok && s.Type == kind
	}
	o.store.Resource = func(kind access.ResourceType, v id.ID) bool {
		return kind == access.ResourcePlatformModel && v == o.model
	}
	bus := &event.Bus{}
	event.On(bus, func(_ context.Context, _ tx.Tx, c event.Change) error { o.changes = append(o.changes, c); return nil })
	event.On(bus, func(context.Context, tx.Tx, access.Changed) error { o.told++; return nil })
	o.Service = access.NewService(access.Parts{
		Store: o.store, Bus: bus, Now: clock.NewManual(noon).Now, Operator: func(context.Context) (id.ID, error) { return operator, nil },
	})
	return o
}

var boss = event.Actor{UserID: named("boss"), TenantID: operator, Source: "jwt"}

func about(kind access.SubjectType, name string) access.Input {
	return access.Input{
		SubjectType: string(kind), SubjectID: named(name).String(), ResourceType: "platform_model", ResourceID: named("model").String(),
	}
}

func TestEveryChangeIsAnnouncedAndRaisesTheVersion(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r, err := o.Create(t.Context(), boss, about(access.SubjectAPIKey, "ann key"))
	if err != nil || r.OwnerID != named("ann") || r.Own || r.Effect != access.Allow || r.Status != access.Active {
		t.Fatalf("%+v, %v", r, err)
	}
	priority := 3
	if _, err := o.Update(t.Context(), boss, r.ID, access.Input{Priority: &priority}); err != nil {
		t.Fatal(err)
	}
	if err := o.Delete(t.Context(), boss, r.ID); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, c := range o.changes {
		actions = append(actions, c.Action)
		if c.Actor.UserID != boss.UserID || c.TargetID != r.ID.String() || c.TargetTenantID != operator || c.TargetUserID != named("ann") {
			t.Errorf("announced %+v", c)
		}
	}
	if want := []string{"access_rule.created", "access_rule.updated", "access_rule.deleted"}; !slices.Equal(actions, want) {
		t.Errorf("announced %v", actions)
	}
	if o.changes[0].Before != nil || o.changes[1].Before == nil || o.changes[1].After == nil || o.changes[2].After != nil {
		t.Error("before and after are not told")
	}
	if o.store.Version != 3 || o.told != 3 {
		t.Errorf("version %d, told %d times", o.store.Version, o.told)
	}
}

func TestARefusedChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	eve := event.Actor{TenantID: named("acme")}
	for name, do := range map[string]func() error{
		"another tenant's user": func() error { _, err := o.Create(t.Context(), eve, about(access.SubjectUser, "ann")); return err },
		"nobody":                func() error { _, err := o.Create(t.Context(), boss, about(access.SubjectUser, "zoe")); return err },
		"half a batch": func() error {
			in := about(access.SubjectUser, "ann")
			bad := in
			bad.ResourceID = named("elsewhere").String()
			_, err := o.Apply(t.Context(), boss, access.Batch{SubjectType: "user", SubjectID: in.SubjectID, Upsert: []access.Input{in, bad}})
			return err
		},
	} {
		if err := do(); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(o.store.Rules) != 0 || o.store.Version != 0 || o.told != 0 {
		t.Errorf("left %+v, version %d, told %d", o.store.Rules, o.store.Version, o.told)
	}
}

// TestARuleOutlivesWhatItNames: it can still be switched off and deleted.
func TestARuleOutlivesWhatItNames(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r, err := o.Create(t.Context(), boss, about(access.SubjectUser, "ann"))
	if err != nil {
		t.Fatal(err)
	}
	o.store.Subject, o.store.Resource = nil, nil
	if r, err = o.Update(t.Context(), boss, r.ID, access.Input{Status: "disabled"}); err != nil || r.Status != access.Disabled {
		t.Errorf("%+v, %v", r, err)
	}
	if err := o.Delete(t.Context(), boss, r.ID); err != nil {
		t.Error(err)
	}
}

// TestOwnersRulesAreApart: owners of keys and administrators make rules beside each other.
func TestOwnersRulesAreApart(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ann := event.Actor{UserID: named("ann"), TenantID: operator}
	b := access.Batch{SubjectType: "api_key", SubjectID: named("ann key").String(), Effect: "deny", Upsert: []access.Input{about("", "")}}
	mine, err := o.ApplyOwn(t.Context(), ann, b)
	if err != nil || len(mine) != 1 || !mine[0].Own || mine[0].OwnerID != ann.UserID {
		t.Fatalf("%+v, %v", mine, err)
	}
	theirs, err := o.Apply(t.Context(), boss, b)
	if err != nil || len(theirs) != 1 || theirs[0].Own || theirs[0].ID == mine[0].ID {
		t.Fatalf("%+v, %v", theirs, err)
	}
	b.Upsert, b.Delete = nil, []access.Input{about("", "")}
	if left, err := o.ApplyOwn(t.Context(), ann, b); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
	if all, err := o.Rules(t.Context(), boss); err != nil || len(all) != 1 || all[0].ID != theirs[0].ID {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := o.ApplyOwn(t.Context(), event.Actor{UserID: named("eve"), TenantID: named("acme")}, b); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("eve: %v", err)
	}
	other := access.Input{SubjectType: "user", SubjectID: named("ann").String()}
	if _, err := o.ApplyOwn(t.Context(), ann, access.Batch{SubjectType: "api_key", SubjectID: named("ann key").String(), Upsert: []access.Input{about("", "")}}); err != nil {
		t.Fatal(err)
	}
	own, err := o.OwnRules(t.Context(), ann.UserID)
	if err != nil || len(own) != 1 {
		t.Fatalf("%+v, %v", own, err)
	}
	if _, err := o.Update(t.Context(), boss, own[0].ID, other); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("an owner's rule was given another subject: %v", err)
	}
}

func TestASubjectHasOnlySoManyRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for range 1000 {
		o.store.Rules = append(o.store.Rules, access.Rule{
			ID: id.New(), TenantID: operator, SubjectType: access.SubjectUser, SubjectID: named("ann"), ResourceType: access.ResourceBaseModel, ResourceID: id.New(),
		})
	}
	in := about(access.SubjectUser, "ann")
	if _, err := o.Create(t.Context(), boss, in); !errors.Is(err, access.ErrLimit) {
		t.Errorf("created one more: %v", err)
	}
	if _, err := o.Apply(t.Context(), boss, access.Batch{SubjectType: "user", SubjectID: in.SubjectID, Upsert: []access.Input{in}}); !errors.Is(err, access.ErrLimit) {
		t.Errorf("a batch made one more: %v", err)
	}
	if len(o.store.Rules) != 1000 {
		t.Errorf("%d rules", len(o.store.Rules))
	}
}
