package pricing

import "github.com/gantry-ai/gantry/internal/inference"

// Unit is the unit in which people enter and read a price.
type Unit string

// The units. Source: DESIGN section 9.
const (
	PerToken         Unit = "token"
	Per1K            Unit = "1k_tokens"
	Per1M            Unit = "1m_tokens"
	PerImage         Unit = "image"
	PerSecond        Unit = "second"
	PerMinute        Unit = "minute"
	PerHour          Unit = "hour"
	PerCharacter     Unit = "character"
	Per1KCharacters  Unit = "1k_characters"
	Per10KCharacters Unit = "10k_characters"
	Per1MCharacters  Unit = "1m_characters"
	PerRequest       Unit = "request"
	Per1KRequests    Unit = "1k_requests"
	PerStep          Unit = "step"
)

var unitSizes = map[Unit]int64{
	PerToken: 1, Per1K: 1_000, Per1M: 1_000_000, PerImage: 1, PerSecond: 1, PerMinute: 60,
	PerHour: 3_600, PerCharacter: 1, Per1KCharacters: 1_000, Per10KCharacters: 10_000,
	Per1MCharacters: 1_000_000, PerRequest: 1, Per1KRequests: 1_000, PerStep: 1,
}

// Size is how many natural units one unit holds; 0 for an unknown unit.
func (u Unit) Size() int64 { return unitSizes[u] }

// shown is the unit in which lines are written: minutes and hours become seconds, because a number of seconds need not
// be a decimal number of minutes.
func (u Unit) shown() Unit {
	if u == PerMinute || u == PerHour {
		return PerSecond
	}
	return u
}

// measures reports whether a price for u can be a price of r.
func (u Unit) measures(r inference.Resource) bool {
	switch u {
	case PerToken, Per1K, Per1M:
		return isToken(r)
	case PerImage:
		return r == inference.Image
	case PerSecond, PerMinute, PerHour:
		return r == inference.VideoSecond || r == inference.AudioSecond
	case PerCharacter, Per1KCharacters, Per10KCharacters, Per1MCharacters:
		return r == inference.Characters
	case PerStep:
		return r == inference.TrainingStep
	case PerRequest, Per1KRequests:
		return r == inference.Request || r == inference.Search || r == inference.TrainingStep
	default:
		return false
	}
}
