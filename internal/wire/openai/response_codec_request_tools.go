package openai

import (
	"cmp"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// tools writes the tools and what is said about them. Without tools upstreams refuse to hear about a choice.
func (e *promptWriter) tools() {
	if len(e.p.Tools) == 0 {
		if e.p.Choice.Mode == inference.ToolsRequired {
			e.parameter("tool_choice", "required", "There are no tools to choose from.")
		}
		return
	}
	e.array("tools")
	for i := range e.p.Tools {
		e.tool(&e.p.Tools[i])
	}
	e.close(']')
	if choice := e.extra(askNames[askToolChoice]); choice != nil {
		e.raw("tool_choice", choice)
	} else if e.p.Choice.Mode != inference.ToolsUnsaid {
		e.key("tool_choice")
		e.choice(e.p)
	}
	if e.p.Serial {
		e.boolean("parallel_tool_calls", false)
	}
}

func (e *promptWriter) tool(t *inference.Tool) {
	switch {
	case t.Server == inference.WebSearch && !isResponseRest(t.Other):
		e.webSearch(t)
	case t.Server != "" && !isResponseRest(t.Other):
		e.lost(e.losses.Content(t.Path, t.Name, "The upstream has no such tool."))
	case t.Other != nil:
		e.rawElement(t.Other.Value)
	default:
		e.open()
		e.toolMembers(t)
		e.more(t.Path)
		e.close('}')
	}
}

// toolMembers writes a tool that the caller runs. Unlike in other protocols a function would be strict if nothing were said.
func (w *responsePen) toolMembers(t *inference.Tool) {
	if t.Custom {
		w.text("type", "custom")
		w.text("name", t.Name)
		w.given("description", t.Description)
		w.grammar(t.Grammar)
		return
	}
	w.text("type", "function")
	w.text("name", t.Name)
	w.given("description", t.Description)
	w.raw("parameters", orRaw(t.Schema, []byte(noSchema)))
	w.boolean("strict", t.Strict != nil && *t.Strict)
}

var grammarKey = jsonscan.NewKeys("grammar")

// grammar writes what bounds a custom tool's input: flat, unlike in the chat format.
func (w *responsePen) grammar(chat []byte) {
	var out [1]jsonscan.Field
	if isObject(chat) {
		_, _, _ = grammarKey.Scan(chat, out[:]) // what is not one bounds nothing
	}
	w.object("format")
	if inner := out[0].In(chat); isObject(inner) {
		w.text("type", "grammar")
		for m := jsonscan.Members(inner); m.Next(); {
			w.raw(string(m.Key), m.Value)
		}
	} else {
		w.text("type", "text")
	}
	w.close('}')
}

// webSearch writes a search that came in the words of another protocol.
func (e *promptWriter) webSearch(t *inference.Tool) {
	e.open()
	e.text("type", "web_search")
	var options []byte
	if t.Other != nil {
		options = t.Other.Value
	}
	for m := jsonscan.AnyMembers(options); m.Next(); {
		switch string(m.Key) {
		case "type", "name", "cache_control":
		case "search_context_size":
			e.raw("search_context_size", m.Value)
		case "user_location":
			e.location(m.Value)
		case "allowed_domains":
			e.object("filters")
			e.raw("allowed_domains", m.Value)
			e.close('}')
		default:
			e.parameter(joinPath(t.Path, string(m.Key)), string(m.Value), "The upstream's search has no such parameter.")
		}
	}
	e.close('}')
}

var approximateKey = jsonscan.NewKeys("approximate")

// location writes where the user is: flat, unlike in the chat format.
func (e *promptWriter) location(value []byte) {
	if !isObject(value) {
		return
	}
	var out [1]jsonscan.Field
	if _, _, err := approximateKey.Scan(value, out[:]); err == nil && isObject(out[0].In(value)) {
		value = out[0].In(value)
	}
	e.object("user_location")
	e.text("type", "approximate")
	for m := jsonscan.Members(value); m.Next(); {
		if string(m.Key) != "type" && isMemberName(m.Key) {
			e.raw(string(m.Key), m.Value)
		}
	}
	e.close('}')
}

// choice writes which tools may be called.
func (w *responsePen) choice(p *inference.Prompt) {
	c := &p.Choice
	mode := cmp.Or(toolWords[c.Mode], "auto")
	switch {
	case len(c.Names) == 0:
		w.B = jsondoc.AppendString(w.B, mode)
	case len(c.Names) == 1 && c.Mode == inference.ToolsRequired:
		w.named(p, c.Names[0])
	default:
		w.open()
		w.text("type", "allowed_tools")
		w.text("mode", mode)
		w.array("tools")
		for _, name := range c.Names {
			w.named(p, name)
		}
		w.close(']')
		w.close('}')
	}
}

func (w *responsePen) named(p *inference.Prompt, name string) {
	typ := "function"
	for i := range p.Tools {
		if p.Tools[i].Custom && p.Tools[i].Name == name {
			typ = "custom"
		}
	}
	w.open()
	w.text("type", typ)
	w.text("name", name)
	w.close('}')
}
