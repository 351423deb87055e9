package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
)

// noSchema is what a function takes that says nothing about it.
const noSchema = `{"type":"object","properties":{}}`

// tools writes the tools and the choice among them; a choice without tools is refused by servers, so there is none.
func (e *chatEncoder) tools() error {
	written := 0
	for i := range e.p.Tools {
		t := &e.p.Tools[i]
		if t.Server == inference.WebSearch {
			e.webSearch(t)
			continue
		}
		if t.Server != "" && (t.Other == nil || !isOfChat(t.Other)) {
			if err := e.l.Content(t.Path, t.Name, "The upstream does not have this tool."); err != nil {
				return err
			}
			continue
		}
		if written == 0 {
			e.w.Key("tools").Open('[')
		}
		written++
		e.tool(t)
	}
	if written == 0 {
		return nil
	}
	e.w.Close(']')
	e.choice()
	if e.p.Serial {
		e.w.Key("parallel_tool_calls").Bool(false)
	}
	return nil
}

func (e *chatEncoder) webSearch(t *inference.Tool) {
	if t.Other != nil && isOfChat(t.Other) {
		e.w.Key("web_search_options").Bytes(t.Other.Value)
		return
	}
	e.w.Key("web_search_options").Raw("{}")
}

func (e *chatEncoder) tool(t *inference.Tool) {
	switch {
	case t.Server != "":
		e.w.Bytes(t.Other.Value)
	case t.Custom:
		e.w.Open('{').Key("type").Str("custom").Key("custom").Open('{').Key("name").Str(t.Name).
			Text("description", t.Description).Member("format", t.Grammar).Close('}').Close('}')
	default:
		e.w.Open('{').Key("type").Str("function").Key("function").Open('{').Key("name").Str(t.Name).
			Text("description", t.Description)
		if len(t.Schema) > 0 {
			e.w.Key("parameters").Bytes(t.Schema)
		} else {
			e.w.Key("parameters").Raw(noSchema)
		}
		if t.Strict != nil {
			e.w.Key("strict").Bool(*t.Strict)
		}
		e.w.Close('}').Close('}')
	}
}

var toolWords = map[inference.ToolMode]string{
	inference.ToolsAuto: "auto", inference.ToolsNone: "none", inference.ToolsRequired: "required",
}

func (e *chatEncoder) choice() {
	c := &e.p.Choice
	word, said := toolWords[c.Mode]
	switch {
	case !said:
	case len(c.Names) == 0:
		e.w.Key("tool_choice").Str(word)
	case len(c.Names) == 1 && c.Mode == inference.ToolsRequired:
		e.w.Key("tool_choice")
		e.named(c.Names[0])
	default:
		e.w.Key("tool_choice").Open('{').Key("type").Str("allowed_tools").Key("allowed_tools").Open('{').
			Key("mode").Str(word).Key("tools").Open('[')
		for _, name := range c.Names {
			e.named(name)
		}
		e.w.Close(']').Close('}').Close('}')
	}
}

// named writes the tool of a name as choices name it.
func (e *chatEncoder) named(name string) {
	kind := "function"
	for i := range e.p.Tools {
		if e.p.Tools[i].Name == name && e.p.Tools[i].Custom {
			kind = "custom"
		}
	}
	e.w.Open('{').Key("type").Str(kind).Key(kind).Open('{').Key("name").Str(name).Close('}').Close('}')
}
