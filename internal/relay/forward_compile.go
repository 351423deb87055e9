package relay

import (
	"regexp"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// forwards are the rules of a route: those of tenants, and those of the default tenant for everybody else.
type forwards struct {
	general *forwarding
	by      map[id.ID]*forwarding
}

// forwarding is where a route's requests go instead, compiled.
type forwarding struct {
	rules    []forwardRule
	fallback *fallback // nil: none
}

type forwardRule struct {
	routing.ForwardRule
	index    int
	target   *Route
	keywords []string // in lower case
	pattern  *regexp.Regexp
	decision *decision
}

// decision is a choice that a model makes; targets are by words in lower case.
type decision struct {
	model   string
	prompt  string
	targets map[string]*Route
	timeout time.Duration
}

// fallback is what is tried when a route's targets have failed. A zero platform restricts nothing.
type fallback struct {
	route    *Route
	platform id.ID
}

// forwarding returns what holds for a caller; nil when nothing does.
func (r *Route) forwarding(p *identity.Principal) *forwarding {
	if r.forwards == nil {
		return nil
	}
	if f, ok := r.forwards.by[p.TenantID]; ok {
		return f
	}
	return r.forwards.general
}

// forwards gives routes their rules, and makes routes of the names that rules alone serve.
func (c *compiler) forwards(s *Snapshot) {
	for i := range c.ModelRoutes {
		m := &c.ModelRoutes[i]
		if s.routes[m.Alias] == nil {
			s.routes[m.Alias] = &Route{Alias: m.Alias, DisplayName: m.Alias, OwnedBy: "gantry", Created: m.CreatedAt, virtual: true}
		}
	}
	for i := range c.ModelRoutes {
		m := &c.ModelRoutes[i]
		f, err := c.forwarding(s, m)
		if err != nil {
			c.Log.Error("model route left out", "alias", m.Alias, "error", err)
			continue
		}
		s.routes[m.Alias].forwardBy(f, m.TenantID, m.TenantID == c.DefaultTenant)
	}
	for range maxForwards { // a name that rules serve may lead to another
		for _, r := range s.routes {
			r.inherit()
		}
	}
}

func (r *Route) forwardBy(f *forwarding, tenant id.ID, general bool) {
	if r.forwards == nil {
		r.forwards = &forwards{by: map[id.ID]*forwarding{}}
	}
	if general {
		r.forwards.general = f
	}
	r.forwards.by[tenant] = f
}

// inherit gives a route that others serve the types of those.
func (r *Route) inherit() {
	if !r.virtual || r.forwards == nil {
		return
	}
	for _, f := range r.forwards.by {
		for _, target := range f.targets() {
			for _, t := range target.Types {
				if !r.Types.Has(t) {
					r.Types = append(r.Types, t)
				}
			}
		}
	}
}

func (f *forwarding) targets() []*Route {
	var out []*Route
	for i := range f.rules {
		if f.rules[i].target != nil {
			out = append(out, f.rules[i].target)
		}
		if d := f.rules[i].decision; d != nil {
			for _, target := range d.targets {
				out = append(out, target)
			}
		}
	}
	if f.fallback != nil {
		out = append(out, f.fallback.route)
	}
	return out
}

// forwarding compiles a route's rules. Rules whose target is gone are left out and logged; the others keep their places.
func (c *compiler) forwarding(s *Snapshot, m *routing.ModelRoute) (*forwarding, error) {
	rules, err := routing.ReadForward(m.Forward)
	if err != nil {
		return nil, err
	}
	back, err := routing.ReadFallback(m.Fallback)
	if err != nil {
		return nil, err
	}
	f := &forwarding{}
	for i := range rules {
		r := forwardRule{ForwardRule: rules[i], index: i}
		if !r.compile(s) {
			c.Log.Warn("forward rule left out: its model is gone", "alias", m.Alias, "rule", i)
			continue
		}
		f.rules = append(f.rules, r)
	}
	if !back.IsZero() {
		if back.Model == "" {
			back.Model = m.Alias
		}
		if route := s.routes[back.Model]; route != nil {
			f.fallback = &fallback{route, back.PlatformID}
		}
	}
	return f, nil
}

func (r *forwardRule) compile(s *Snapshot) bool {
	for _, word := range r.Keywords {
		r.keywords = append(r.keywords, strings.ToLower(word))
	}
	if r.Type == routing.RuleRegex {
		r.pattern = regexp.MustCompile(r.Pattern) // ReadForward has compiled it
	}
	if r.Type != routing.RuleDecision {
		r.target = s.routes[r.Target]
		return r.target != nil
	}
	return r.compileDecision(s)
}

func (r *forwardRule) compileDecision(s *Snapshot) bool {
	d := &decision{
		model: r.Decision.Model, prompt: r.Decision.Prompt, targets: map[string]*Route{},
		timeout: time.Duration(r.Decision.TimeoutMs) * time.Millisecond,
	}
	if d.timeout == 0 {
		d.timeout = routing.DefaultDecisionTimeout
	}
	for word, alias := range r.Decision.Targets {
		if route := s.routes[alias]; route != nil {
			d.targets[strings.ToLower(word)] = route
		}
	}
	r.decision = d
	return s.routes[d.model] != nil && len(d.targets) > 0
}
