// Package arch keeps the house in order: who may import whom, where no float may be, and which modules move together.
//
// Its tests check the real tree, and check each rule against a planted violation so that a rule which catches nothing
// is found out. A new rule is one entry in Rules with its reason and its plant.
package arch

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the prefix of our own packages. Rules name them without it.
const Module = "github.com/gantry-ai/gantry/"

// Graph maps each of our packages, named without the module, to what its non-test files import.
// Imports of our own packages are named without the module too.
type Graph map[string][]string

// Rule says what some packages must not import.
//
// A pattern is the name of a package; with "/..." at its end it means the packages below it too. A name with a dot in
// its first part belongs to another module, "std" stands for the standard library, "*" is one part of a path.
//
// "testkit" stands for what helps our tests: the packages of internal/testkit and those that are called <name>test.
// Test kits are test code, so no rule is about them.
type Rule struct {
	// Reason tells whoever breaks the rule why it is there.
	Reason string
	// In are the packages that the rule is about, Except those that it is not.
	In, Except []string
	// Only lists everything that may be imported; nil means all but Never.
	Only []string
	// Never lists what must not be imported, even if Only has it.
	Never []string
	// Through says that our own packages must not bring it in either.
	Through bool
	// Plant is an import that the rule must catch, as "importer imported".
	Plant string
}

// Check returns one line for every import that breaks a rule, sorted.
func Check(g Graph, rules []Rule) []string {
	var found []string
	for _, rule := range rules {
		for name := range g {
			if anyMatch(rule.In, name) && !anyMatch(rule.Except, name) && !isTestKit(name) {
				found = append(found, rule.violations(g, name)...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (r Rule) violations(g Graph, name string) []string {
	var found []string
	for _, imported := range g[name] {
		if !r.allows(imported) {
			found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, r.Reason))
		}
	}
	if !r.Through {
		return found
	}
	for _, chain := range chains(g, name) {
		last := chain[len(chain)-1]
		for _, imported := range g[last] {
			if anyMatch(r.Never, imported) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", strings.Join(chain, " imports "), imported, r.Reason))
			}
		}
	}
	return found
}

func (r Rule) allows(imported string) bool {
	if anyMatch(r.Never, imported) {
		return false
	}
	return r.Only == nil || anyMatch(r.Only, imported)
}

// chains returns a shortest import path from name to each of our packages that it reaches, itself left out.
func chains(g Graph, name string) [][]string {
	seen := map[string]bool{name: true}
	queue := [][]string{{name}}
	for i := 0; i < len(queue); i++ {
		for _, next := range g[queue[i][len(queue[i])-1]] {
			if _, ours := g[next]; ours && !seen[next] {
				seen[next] = true
				queue = append(queue, append(slices.Clone(queue[i]), next))
			}
		}
	}
	return queue[1:]
}

func anyMatch(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, name) })
}

// match reports whether a pattern of a Rule means the package.
func match(pattern, name string) bool {
	switch pattern {
	case "std":
		return isStandard(name)
	case "testkit":
		return isTestKit(name)
	}
	pattern, below := strings.CutSuffix(pattern, "/...")
	want, got := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(got) < len(want) || (len(got) > len(want) && !below) {
		return false
	}
	for i, part := range want {
		if part != "*" && part != got[i] {
			return false
		}
	}
	return true
}

// isTestKit reports whether a package of ours is there for tests alone.
func isTestKit(name string) bool {
	return strings.HasPrefix(name, "internal/testkit/") ||
		(strings.HasPrefix(name, "internal/") && strings.HasSuffix(name, "test"))
}

// isStandard reports whether a package is the standard library's: ours begin with a folder of this repository, those of
// other modules with a host name.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !slices.Contains([]string{"internal", "cmd", "web", "contracts"}, first)
}
