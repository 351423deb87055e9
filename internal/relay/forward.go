package relay

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// The causes by which a call is not where it was asked to be, as a task's route tells them.
const (
	causeForward  = "forward"
	causeFallback = "fallback"
	causeDecision = "decision"
)

const (
	// maxForwards cuts what leads from model to model; loops are refused when they are entered.
	maxForwards = 4
	// maxText is how much of a request's text rules look at, in bytes.
	maxText = 1 << 20
)

// forwardStep is a rule that sent a request on.
type forwardStep struct {
	From string `json:"from"`
	To   string `json:"to"`
	Rule int    `json:"rule"` // its place among the rules of From
	Type string `json:"type"`
}

// take makes a route the one that serves the call.
func (c *call) take(route *Route) {
	c.route = route
	if t, ok := c.principal.Terms.(*terms); ok {
		c.discounts = t.discounts(route.Alias)
	}
}

// mayAsk reports whether the caller may ask for a route. A key's list of models names what is asked for: where the
// operator's rules lead from there is not the key's business.
func (f *forwarder) mayAsk(r *Route) bool {
	return (f.deciding || f.principal.AllowsModel(r.Alias)) && r.IsFor(f.principal)
}

// IsFor reports whether the route exists for a caller: a name that rules alone serve does only where the caller's tenant
// has such rules.
func (r *Route) IsFor(p *identity.Principal) bool { return !r.virtual || r.forwarding(p) != nil }

// lead follows the rules from the requested route to the one that is to serve the call. A call that decides about another
// is never forwarded.
func (f *forwarder) lead(route *Route) *Route {
	if route.forwards == nil || f.deciding {
		return route
	}
	return f.follow(route)
}

// forwarder follows rules for one request. The request is only read as far as the rules need it.
type forwarder struct {
	principal *identity.Principal
	format    wire.Format
	body      []byte
	ask       *wire.Ask
	// decide asks a model; nil: decisions are not made, and their rules do not match.
	decide func(d *decision, text string) *Route
	// deciding says that the request decides about another one.
	deciding bool
	// from and at are where and when the caller asks.
	from netip.Addr
	at   time.Time
	// explaining says that the answer tells which access rules close a route.
	explaining bool
	steps      []forwardStep

	text, lower string
	read        bool
	characters  int64
	tokens      int64
}

// follow returns where the rules lead: the route itself where there are none, or none matches.
func (f *forwarder) follow(route *Route) *Route {
	for len(f.steps) < maxForwards {
		rules := route.forwarding(f.principal)
		if rules == nil {
			return route
		}
		rule, target := f.choose(rules.rules)
		if target == nil || target == route || f.passed(target) {
			return route
		}
		f.steps = append(f.steps, forwardStep{From: route.Alias, To: target.Alias, Rule: rule.index, Type: rule.Type})
		route = target
	}
	return route
}

func (f *forwarder) passed(r *Route) bool {
	return slices.ContainsFunc(f.steps, func(s forwardStep) bool { return s.From == r.Alias })
}

// choose returns the first rule that matches, and its target.
func (f *forwarder) choose(rules []forwardRule) (*forwardRule, *Route) {
	for i := range rules {
		r := &rules[i]
		if !r.isFor(f.principal) {
			continue
		}
		if r.decision != nil {
			if target := f.decided(r.decision); target != nil {
				return r, target
			}
			continue
		}
		if f.matches(r) {
			return r, r.target
		}
	}
	return nil, nil
}

func (f *forwarder) decided(d *decision) *Route {
	if f.decide == nil {
		return nil
	}
	f.readText()
	return f.decide(d, f.text)
}

// isFor reports whether a rule is meant for a caller.
func (r *forwardRule) isFor(p *identity.Principal) bool {
	return among(r.Groups, p.GroupID, p.GroupKey) && among(r.Tenants, p.TenantID, p.TenantKey)
}

func among(names []string, who id.ID, key string) bool {
	if len(names) == 0 {
		return true
	}
	return key != "" && slices.Contains(names, key) || !who.IsZero() && slices.Contains(names, who.String())
}

func (f *forwarder) matches(r *forwardRule) bool {
	switch r.Type {
	case routing.RuleAll:
		return true
	case routing.RuleKeyword:
		return f.holds(r)
	case routing.RuleRegex:
		f.readText()
		return r.pattern.MatchString(f.text)
	case routing.RuleLength:
		return f.isLong(r)
	}
	return false
}

func (f *forwarder) holds(r *forwardRule) bool {
	f.readText()
	if f.lower == "" {
		f.lower = strings.ToLower(f.text)
	}
	found := func(word string) bool { return strings.Contains(f.lower, word) }
	if r.Match == "all" {
		return !slices.ContainsFunc(r.keywords, func(word string) bool { return !found(word) })
	}
	return slices.ContainsFunc(r.keywords, found)
}

func (f *forwarder) isLong(r *forwardRule) bool {
	if r.MinCharacters|r.MaxCharacters != 0 {
		f.readText()
		if !within(f.characters, r.MinCharacters, r.MaxCharacters) {
			return false
		}
	}
	if r.MinTokens|r.MaxTokens == 0 {
		return true
	}
	if f.tokens == 0 && f.format != nil {
		f.tokens = f.format.InputTokens(f.body, f.ask)
	}
	return within(f.tokens, r.MinTokens, r.MaxTokens)
}

func within(n, least, most int64) bool { return n >= least && (most == 0 || n <= most) }

// readText reads what the request says, once.
func (f *forwarder) readText() {
	if f.read {
		return
	}
	f.read = true
	if t, ok := f.format.(wire.Texter); ok {
		f.text = t.Text(f.body, f.ask, maxText)
		f.characters = int64(utf8.RuneCountInString(f.text))
	}
}
