package openai

import (
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// The prefixes of names. What stands behind them says nothing to callers.
const (
	PrefixResponse = "resp_"
	PrefixFile     = "file-"
	PrefixBatch    = "batch_"
	PrefixVideo    = "video_"
)

// Name is what callers know a thing of ours by.
func Name(prefix string, of id.ID) string { return prefix + of.Compact() }

// ParseName reads a name; false: it is none that Name made.
func ParseName(prefix, name string) (id.ID, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return id.ID{}, false
	}
	of, err := id.ParseCompact(digits)
	return of, err == nil
}

// nameOfItem is what an input item is called that came without a name.
func nameOfItem(response string, place int) string {
	return "item_" + strings.TrimPrefix(response, PrefixResponse) + "_" + strconv.Itoa(place)
}
