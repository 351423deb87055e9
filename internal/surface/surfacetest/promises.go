package surfacetest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Promise is an answer that a contract documents.
type Promise struct {
	Operation string
	Status    int
}

// String returns the operation and the status.
func (p Promise) String() string { return fmt.Sprintf("%s %d", p.Operation, p.Status) }

func (p Promise) compare(other Promise) int { return strings.Compare(p.String(), other.String()) }

// Promises returns all answers that the contract documents, ordered by operation and status.
func (c *Contract) Promises() []Promise {
	var out []Promise
	for name, operation := range c.operations {
		for status := range operation.Responses.Map() {
			if n, err := strconv.Atoi(status); err == nil {
				out = append(out, Promise{name, n})
			}
		}
	}
	slices.SortFunc(out, Promise.compare)
	return out
}

// Place returns the method and the path of an operation; both are empty when the contract does not have it.
func (c *Contract) Place(operation string) (method, path string) {
	method, path, _ = strings.Cut(c.places[operation], " ")
	return method, path
}

// Kept counts which promises were kept, and where. The zero value is ready to use, by several tests at once.
type Kept struct {
	mu sync.Mutex
	in map[Promise]map[string]bool
}

// Add counts a promise as kept at a place.
func (k *Kept) Add(p Promise, where string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.in == nil {
		k.in = map[Promise]map[string]bool{}
	}
	if k.in[p] == nil {
		k.in[p] = map[string]bool{}
	}
	k.in[p][where] = true
}

// Has reports whether a promise was kept at a place.
func (k *Kept) Has(p Promise, where string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.in[p][where]
}

// Gaps returns a line for each promise that was not kept at one of the places and has no excuse, for each excuse of one that
// was, and for each excuse of what nobody promised.
func (k *Kept) Gaps(promises []Promise, excuses map[Promise]string, places ...string) (lines []string) {
	for _, p := range promises {
		excuse, excused := excuses[p]
		for _, where := range places {
			switch kept := k.Has(p, where); {
			case !kept && !excused:
				lines = append(lines, fmt.Sprintf("%s is documented, and no golden shows it on %s", p, where))
			case kept && excused:
				lines = append(lines, fmt.Sprintf("%s is shown on %s, and excused: %s", p, where, excuse))
			}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(excuses), Promise.compare) {
		if !slices.Contains(promises, p) {
			lines = append(lines, fmt.Sprintf("%s is excused, and not documented", p))
		}
	}
	return lines
}
