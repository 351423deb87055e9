package wire

import "slices"

// Efforts are how much a model can be told to think, from nothing to all it can. Source: the sheet "translation", section 1.
var Efforts = [...]string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// Budgets in tokens up to which an effort is meant.
const (
	lowBudget    = 2048
	mediumBudget = 8192
	highBudget   = 24576
)

// KnownEffort reports whether an effort is one; "" is none.
func KnownEffort(effort string) bool { return slices.Contains(Efforts[:], effort) }

// EffortOf is the effort that a budget of tokens means; "" leaves it to the model.
func EffortOf(budget int64) string {
	switch {
	case budget == 0:
		return "none"
	case budget < 0:
		return ""
	case budget <= lowBudget:
		return "low"
	case budget <= mediumBudget:
		return "medium"
	case budget <= highBudget:
		return "high"
	}
	return "xhigh"
}

// NearestEffort is the one of the efforts known that comes nearest to the one wanted, of two the higher. One that nobody knows
// stays as it is. known is not empty.
func NearestEffort(wanted string, known []string) string {
	at := slices.Index(Efforts[:], wanted)
	if at < 0 {
		return wanted
	}
	for away := range Efforts {
		for _, i := range [...]int{at + away, at - away} {
			if i >= 0 && i < len(Efforts) && slices.Contains(known, Efforts[i]) {
				return Efforts[i]
			}
		}
	}
	return wanted
}
