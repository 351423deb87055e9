package arch

import "slices"

// layers are the domains from the ground up: a domain may call those in the layers below its own.
var layers = [][]string{
	{"identity", "catalog", "limits", "statistics", "audit"},
	{"access", "pricing", "wallet", "suppliers", "inbox"},
	{"routing", "tasks", "files"},
	{"batches", "studio"},
}

// listeners hear of things by events and are called by no domain.
var listeners = map[string]bool{"statistics": true, "audit": true, "inbox": true}

// domainRules turn layers into one rule per domain, and one for domains that are in no layer.
func domainRules() []Rule {
	var rules []Rule
	var below, known []string
	for _, layer := range layers {
		for _, name := range layer {
			known = append(known, "internal/domain/"+name+"/...")
			rules = append(rules, domainRule(name, below))
		}
		for _, name := range layer {
			if !listeners[name] {
				below = append(below, "internal/domain/"+name+"/...")
			}
		}
	}
	return append(rules, Rule{
		Reason: "a domain has a place in the layers of internal/arch/domains.go",
		In:     []string{"internal/domain/*/..."},
		Except: known,
		Only:   []string{},
		Plant:  "internal/domain/gossip time",
	})
}

// domainRule lets a domain import itself and what lies below.
func domainRule(name string, below []string) Rule {
	own := "internal/domain/" + name + "/..."
	return Rule{
		Reason: "domains call down the declared layers; sideways and up they ask through an interface or announce an event",
		In:     []string{own},
		Only:   slices.Concat([]string{"std", own, "internal/kernel/...", "internal/inference/..."}, libraries, below),
		Plant:  "internal/domain/" + name + " internal/domain/" + neighbour(name),
	}
}

// neighbour is a domain that name must not import.
func neighbour(name string) string {
	if name == "audit" {
		return "studio"
	}
	return "audit"
}
