package access_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// named makes an id that is the same in every run, and says in a failure what it names.
func named(name string) (out id.ID) {
	copy(out[:], name)
	return out
}

var (
	operator = named("operator")
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday
)

// town is a small world: two tenants, users in groups, keys of users, and platform models.
type town struct{ r *rand.Rand }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// callers are a user by itself, with a key, with another key; a neighbour; a user of another tenant.
func (w *town) caller() access.Caller {
	user := pick(w.r, "ann", "bob", "eve")
	c := access.Caller{
		User: named(user), Group: named("staff"), Tenant: operator, Level: pick[int64](w.r, 10, 50), At: noon, Kind: inference.Chat,
		Address:    netip.MustParseAddr(pick(w.r, "10.1.2.3", "192.0.2.7")),
		Attributes: access.ReadAttributes(json.RawMessage(`{"desk":"` + pick(w.r, "lab", "hall") + `"}`)),
	}
	switch user {
	case "bob":
		c.Group = pick(w.r, named("guests"), id.ID{})
	case "eve":
		c.Group, c.Tenant = named("staff of acme"), named("acme")
	}
	if w.r.IntN(3) > 0 {
		c.Key = named(user + "'s key " + pick(w.r, "1", "2"))
	}
	return c
}

// rule is about one of few, so that rules meet.
func (w *town) rule(n int) access.Rule {
	r := access.Rule{
		ID: named(fmt.Sprint("rule ", n)), Number: int64(n), TenantID: pick(w.r, operator, operator, named("acme")),
		Effect: pick(w.r, access.Allow, access.Deny), Priority: pick[int64](w.r, 0, 0, 0, 5, -5),
		MinPermissionLevel: pick[int64](w.r, 0, 0, 0, 30), Status: pick(w.r, access.Active, access.Active, access.Active, access.Disabled),
		Conditions: json.RawMessage(pick(w.r, `{}`, `{}`, `{}`, ``, `{"ip":["10.0.0.0/8"]}`, `{"metadata":{"desk":"lab"}}`,
			`{"requestKind":["embeddings"]}`, `{"timeWindow":{"days":["mon"]}}`, `{"timeWindow":{"from":"13:00","to":"11:00"}}`)),
	}
	switch r.SubjectType = pick(w.r, access.SubjectAPIKey, access.SubjectUser, access.SubjectGroup, access.SubjectTenant); r.SubjectType {
	case access.SubjectAPIKey:
		owner := pick(w.r, "ann", "bob", "eve")
		r.SubjectID, r.OwnerID, r.Own = named(owner+"'s key "+pick(w.r, "1", "2")), named(owner), w.r.IntN(2) == 0
	case access.SubjectUser:
		r.SubjectID = named(pick(w.r, "ann", "bob", "eve"))
	case access.SubjectGroup:
		r.SubjectID = named(pick(w.r, "staff", "guests", "staff of acme"))
	case access.SubjectTenant:
		r.SubjectID = pick(w.r, operator, named("acme"))
	}
	r.ResourceType = pick(w.r, access.ResourcePlatformModel, access.ResourcePlatform, access.ResourceBaseModel)
	r.ResourceID = named(string(r.ResourceType) + pick(w.r, " 1", " 1", " 2"))
	return r
}

// TestDecisionTable holds the compiled form against the reference, for generated rules and callers.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	const books, callers = 3000, 4
	w := &town{rand.New(rand.NewPCG(2026, 19))}
	cases, denied, byRule, byKey := 0, 0, 0, 0
	for range books {
		rules := make([]access.Rule, w.r.IntN(12))
		for i := range rules {
			rules[i] = w.rule(i + 1)
		}
		book := access.Compile(rules, operator, func(r *access.Rule, err error) { t.Errorf("%s: %v", r.Conditions, err) })
		for range callers {
			cases++
			c := w.caller()
			at := [3]id.ID{named("platform_model 1"), named("platform " + pick(w.r, "1", "1", "2")), pick(w.r, named("base_model 1"), id.ID{})}
			want := (&reference{rules, operator, at}).decide(&c)
			got := book.Gate(at[0], at[1], at[2]).Decide(&c)
			if got != want {
				t.Fatalf("case %d: decided %v by %q, want %v by %q\ncaller %s\n%s", cases, got.Allowed, got.Rule[:], want.Allowed,
					want.Rule[:], show(&c), showRules(rules))
			}
			denied += count(!got.Allowed)
			byRule += count(got.Allowed && !got.Rule.IsZero())
			without := c
			without.Key = id.ID{}
			key := !got.Allowed && book.Gate(at[0], at[1], at[2]).Decide(&without).Allowed
			byKey += count(key)
			if got.Allowed && !book.Gate(at[0], at[1], at[2]).Decide(&without).Allowed {
				t.Fatalf("case %d: a key may what its user may not\ncaller %s\n%s", cases, show(&c), showRules(rules))
			}
		}
	}
	t.Logf("%d cases: %d denied, %d of them for the key alone, %d allowed by a rule", cases, denied, byKey, byRule)
	if cases < 2000 || denied < cases/5 || byRule < cases/20 || byKey < cases/50 {
		t.Error("the cases show little")
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func show(c *access.Caller) string {
	return fmt.Sprintf("user %q key %q group %q tenant %q level %d from %v %v", c.User[:], c.Key[:], c.Group[:], c.Tenant[:],
		c.Level, c.Address, c.Attributes)
}

func showRules(rules []access.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "%q of %q own %v: %s %s %q to %q, priority %d, level %d, %s %s\n", r.ID[:], r.TenantID[:], r.Own, r.Status, r.Effect,
			r.SubjectID[:], r.ResourceID[:], r.Priority, r.MinPermissionLevel, r.SubjectType, r.Conditions)
	}
	return b.String()
}

// TestDecisions are the sentences of DESIGN section 5, one by one. A rule is written "effect subject resource priority".
func TestDecisions(t *testing.T) {
	t.Parallel()
	ann := access.Caller{User: named("ann"), Group: named("staff"), Tenant: operator, At: noon}
	bob := access.Caller{User: named("bob"), Group: named("guests"), Tenant: operator, At: noon}
	key1, key2 := ann, ann
	key1.Key, key2.Key = named("key 1"), named("key 2")
	eve := access.Caller{User: named("eve"), Tenant: named("acme"), At: noon}
	for _, c := range []struct {
		name  string
		who   access.Caller
		rules string
		want  string // + or -, and the number of the rule that decided
	}{
		{"nobody said anything", ann, "", "+"},
		{"a resource that an allow names is open to its subject", ann, "allow user:ann model", "+1"},
		{"and closed to others", bob, "allow user:ann model", "-1"},
		{"a disabled rule says nothing", bob, "disabled user:ann model", "+"},
		{"a deny closes for its subject alone", bob, "deny user:ann model", "+"},
		{"a deny of the user", ann, "deny user:ann model", "-1"},
		{"each resource that is named must be open", ann, "allow user:ann model; allow user:bob platform", "-2"},
		{"the base model as well", ann, "allow user:bob base", "-1"},
		{"the higher priority wins", ann, "deny user:ann model; allow tenant:operator base 1", "+2"},
		{"then the more specific subject", ann, "deny group:staff model; allow user:ann base", "+2"},
		{"group before tenant", ann, "allow tenant:operator model; deny group:staff base", "-2"},
		{"then the more specific resource", ann, "deny user:ann base; allow user:ann platform", "+2"},
		{"model before platform", ann, "allow user:ann platform; deny user:ann model", "-2"},
		{"a deny wins a tie", ann, "allow user:ann model; deny user:ann model", "-2"},
		{"a deny of the key", key1, "deny key:1 model", "-1"},
		{"leaves the user's other keys", key2, "deny key:1 model", "+"},
		{"and the user", ann, "deny key:1 model", "+"},
		{"a key may not what its user may not", key1, "deny user:ann model; allow key:1 model 9", "-1"},
		{"nor what is closed to its user", key1, "allow user:bob model; allow key:1 model 9", "-1"},
		{"an allow of one key closes the resource to the user's other keys", key2, "allow key:1 model", "-1"},
		{"but not to the user", ann, "allow key:1 model", "+"},
		{"nor to anybody else", bob, "allow key:1 model", "+"},
		{"the user's allow outranks the key's deny by priority", key1, "allow user:ann model 5; deny key:1 model", "+1"},
		{"what the owner says does not undo what administrators said about the key", key1, "deny key:1 model; allow own:1 model 9", "-1"},
		{"a tenant's deny binds its users", eve, "deny acme-tenant:acme model", "-1"},
		{"and nobody else", ann, "deny acme-tenant:operator model", "+"},
		{"a tenant's allow closes for its users", eve, "allow acme-user:zoe model", "-1"},
		{"and not for others", ann, "allow acme-user:zoe model", "+"},
		{"a tenant cannot allow what the operator denies", eve, "deny tenant:acme model; allow acme-user:eve model 9", "-1"},
		{"nor open what the operator closed", eve, "allow user:ann model; allow acme-user:eve model 9", "-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			book := access.Compile(readRules(c.rules), operator, nil)
			d := book.Gate(named("model"), named("platform"), named("base")).Decide(&c.who)
			got := map[bool]string{true: "+", false: "-"}[d.Allowed]
			if !d.Rule.IsZero() {
				got += strings.TrimRight(string(d.Rule[:]), "\x00")
			}
			if got != c.want {
				t.Errorf("decided %s, want %s", got, c.want)
			}
		})
	}
}

func readRules(text string) (out []access.Rule) {
	resources := map[string]access.ResourceType{
		"model": access.ResourcePlatformModel, "platform": access.ResourcePlatform, "base": access.ResourceBaseModel,
	}
	subjects := map[string]access.SubjectType{
		"key": access.SubjectAPIKey, "own": access.SubjectAPIKey, "user": access.SubjectUser, "group": access.SubjectGroup,
		"tenant": access.SubjectTenant,
	}
	for line := range strings.SplitSeq(text, "; ") {
		words := append(strings.Fields(line), "0")
		if len(words) < 3 {
			continue
		}
		kind, name, _ := strings.Cut(words[1], ":")
		r := access.Rule{
			ID: named(fmt.Sprint(len(out) + 1)), Number: int64(len(out) + 1), TenantID: operator, SubjectID: named(name),
			ResourceType: resources[words[2]], ResourceID: named(words[2]), Effect: access.Effect(words[0]), Status: access.Active,
		}
		if of, about, ok := strings.Cut(kind, "-"); ok {
			r.TenantID, kind = named(of), about
		}
		if r.SubjectType = subjects[kind]; r.SubjectType == access.SubjectAPIKey {
			r.SubjectID, r.OwnerID, r.Own = named("key "+name), named("ann"), kind == "own"
		}
		if words[0] == "disabled" {
			r.Effect, r.Status = access.Allow, access.Disabled
		}
		if _, err := fmt.Sscan(words[3], &r.Priority); err != nil {
			panic(err)
		}
		out = append(out, r)
	}
	return out
}

// TestUnreadableConditionsLetNobodyIn: what is damaged must not open anything.
func TestUnreadableConditionsLetNobodyIn(t *testing.T) {
	t.Parallel()
	ann := access.Caller{User: named("ann"), Tenant: operator, At: noon}
	for _, effect := range []access.Effect{access.Allow, access.Deny} {
		rules := readRules(string(effect) + " user:ann model")
		rules[0].Conditions = json.RawMessage(`{"timeWindows":{}}`)
		var told error
		book := access.Compile(rules, operator, func(_ *access.Rule, err error) { told = err })
		if d := book.Gate(named("model"), id.ID{}, id.ID{}).Decide(&ann); d.Allowed || d.Rule != rules[0].ID || told == nil {
			t.Errorf("%s: %+v, told %v", effect, d, told)
		}
	}
}

// TestDecidingAllocatesNothing: with rules a decision allocates nothing, without any there is nothing to decide.
func TestDecidingAllocatesNothing(t *testing.T) {
	w := &town{rand.New(rand.NewPCG(1, 2))}
	var rules []access.Rule
	for i := range 200 {
		rules = append(rules, w.rule(i))
	}
	book := access.Compile(rules, operator, nil)
	gate := book.Gate(named("platform_model 1"), named("platform 1"), named("base_model 1"))
	c := w.caller()
	if n := testing.AllocsPerRun(1000, func() { gate.Decide(&c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if none := book.Gate(named("elsewhere"), id.ID{}, id.ID{}); none != nil {
		t.Error("a gate where no rule names anything")
	}
}

// BenchmarkDecide is what a candidate costs that nobody has rules for, and one with rules about 10 000 users.
func BenchmarkDecide(b *testing.B) {
	var rules []access.Rule
	for i := range 10_000 {
		rules = append(rules, access.Rule{
			ID: id.New(), Number: int64(i), TenantID: operator, SubjectType: access.SubjectUser, SubjectID: named(fmt.Sprint(i)),
			ResourceType: access.ResourcePlatformModel, ResourceID: named("model"), Effect: access.Allow, Status: access.Active,
		})
	}
	book := access.Compile(rules, operator, nil)
	c := access.Caller{User: named("77"), Group: named("staff"), Tenant: operator, At: noon}
	for name, gate := range map[string]*access.Gate{
		"no rules": book.Gate(named("other"), id.ID{}, id.ID{}), "10000 rules": book.Gate(named("model"), id.ID{}, id.ID{}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !gate.Decide(&c).Allowed {
					b.Fatal("denied")
				}
			}
		})
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles []identity.Role
		want  int64
	}{
		{nil, 0},
		{[]identity.Role{"unknown"}, 0},
		{[]identity.Role{identity.RoleUser}, 10},
		{[]identity.Role{identity.RoleUser, identity.RoleFinance}, 40},
		{[]identity.Role{identity.RoleAdmin}, access.MaxLevel},
	} {
		if got := access.Level(c.roles); got != c.want {
			t.Errorf("%v: level %d, want %d", c.roles, got, c.want)
		}
	}
}
