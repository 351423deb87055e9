package anthropic

import (
	"bytes"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	// defaultSearches is how many searches are set aside for a request that allows them without a limit.
	defaultSearches = 16
	maxSearches     = 1000
)

const (
	toolType = iota
	toolMaxUses
	numToolKeys
)

var toolKeys = jsonscan.NewKeys("type", "max_uses")

// readTools looks for tools that the upstream runs: searches have a price, fetches cost the tokens that they bring, and what
// cannot be priced is not passed on.
func (f *Facts) readTools(body []byte) error {
	if span, ok := f.given(body, keyMCPServers); ok {
		f.ServerTools = f.ServerTools || span.In(body)[0] != '[' || !isEmpty(span.In(body))
	}
	span, ok := f.given(body, keyTools)
	if !ok {
		return nil
	}
	tools := span.In(body)
	if tools[0] != '[' {
		return invalid("tools", "Input should be a valid list")
	}
	n := 0
	for it := jsonscan.Elements(tools); it.Next(); n++ {
		f.Tools = true
		if err := f.readTool(it.Value, "tools."+strconv.Itoa(n)); err != nil {
			return err
		}
	}
	return nil
}

func (f *Facts) readTool(tool []byte, path string) error {
	if !isObject(tool) {
		return invalid(path, "Input should be a valid dictionary")
	}
	var out [numToolKeys]jsonscan.Field
	if _, _, err := toolKeys.Scan(tool, out[:]); err != nil {
		return scanFault(err)
	}
	if !out[toolType].Found() || jsonscan.IsNull(tool, out[toolType]) {
		return nil
	}
	name, err := jsonscan.String(tool, out[toolType])
	if err != nil {
		return invalid(path+".type", "Input should be a valid string")
	}
	switch typ := []byte(name); {
	case bytes.HasPrefix(typ, []byte("web_search")):
		f.ServerTools = true
		return f.addSearches(tool, out[toolMaxUses], path+".max_uses")
	case bytes.HasPrefix(typ, []byte("web_fetch")), bytes.HasPrefix(typ, []byte("mcp_toolset")), bytes.HasPrefix(typ, []byte("tool_search")):
		f.ServerTools = true
	case bytes.HasPrefix(typ, []byte("code_execution")):
		return invalid(path+".type", "this tool runs at the upstream at a price that is not known here")
	}
	return nil
}

func (f *Facts) addSearches(tool []byte, span jsonscan.Field, path string) error {
	if !span.Found() || jsonscan.IsNull(tool, span) {
		f.Searches += defaultSearches
		return nil
	}
	n, err := jsonscan.Int(tool, span)
	if err != nil || n < 1 || n > maxSearches {
		return invalid(path, "Input should be an integer from 1 to "+strconv.Itoa(maxSearches))
	}
	f.Searches += n
	return nil
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }
