package translate

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// tools are those of a call that the upstream knows otherwise than the caller, by the upstream's names for them. nil: none, which
// is nearly always so.
type tools map[string]ownTool

// ownTool is a tool as the caller knows it.
type ownTool struct {
	name   string
	custom bool // takes free text, which travels as the one text of an object
}

// freeText is the schema of what stands for a tool that takes free text.
var freeText = json.RawMessage(`{"type":"object","properties":{"input":{"type":"string","description":"The input, as free text."}},"required":["input"]}`)

// fitting makes the tools of a prompt such as an upstream takes. The prompt stays as it was.
type fitting struct {
	rules wire.ToolRules
	out   inference.Prompt
	to    map[string]string // the upstream's names by the caller's
	own   tools
	l     *wire.Losses
	err   error
	// free are the calls that stay of free text: some callers do not say it of the results.
	free []string
}

// fit returns the prompt as the upstream takes its tools, and what they are to the caller. Names that it does not take become
// others, always the same, and tools of free text become functions of one text. Error: that of the losses.
func fit(p *inference.Prompt, rules wire.ToolRules, l *wire.Losses) (*inference.Prompt, tools, error) {
	if fits(p, &rules) {
		return p, nil, nil
	}
	f := fitting{rules: rules, out: *p, l: l}
	f.tools(p.Tools)
	f.choice(p.Choice.Names)
	f.turns(p.Turns)
	if f.err != nil {
		return nil, nil, f.err
	}
	return &f.out, f.own, nil
}

// fits reports whether there is nothing to do.
func fits(p *inference.Prompt, rules *wire.ToolRules) bool {
	for i := range p.Tools {
		if t := &p.Tools[i]; t.Server == "" && (t.Custom && !rules.Custom || t.Name != "" && !rules.Takes(t.Name)) {
			return false
		}
	}
	for i := range p.Turns {
		for j := range p.Turns[i].Parts {
			c := p.Turns[i].Parts[j].Call
			if c != nil && (c.Custom || c.Name != "" && !rules.Takes(c.Name)) {
				return false
			}
		}
	}
	return !slices.ContainsFunc(p.Choice.Names, func(name string) bool { return !rules.Takes(name) })
}

func (f *fitting) tools(list []inference.Tool) {
	for i := range list {
		t := &list[i]
		if t.Server != "" {
			continue
		}
		name, custom := f.name(t.Name, t.Path), t.Custom && !f.rules.Custom
		if name == t.Name && !custom {
			continue
		}
		if &f.out.Tools[0] == &list[0] {
			f.out.Tools = slices.Clone(list)
		}
		f.out.Tools[i].Name = name
		if custom {
			f.custom(&f.out.Tools[i], t)
		}
	}
}

// custom makes a function of a tool that takes free text.
func (f *fitting) custom(out, t *inference.Tool) {
	f.know(out.Name, ownTool{name: t.Name, custom: true})
	f.l.Changed(t.Path, "custom", "function", "The upstream's tools take JSON.")
	if len(t.Grammar) > 0 && f.err == nil {
		f.err = f.l.Parameter(t.Path+".format", string(t.Grammar), "The upstream does not hold a tool's input to a grammar.")
	}
	out.Custom, out.Grammar, out.Schema = false, nil, freeText
}

func (f *fitting) know(name string, own ownTool) {
	if f.own == nil {
		f.own = tools{}
	}
	f.own[name] = own
}

// name is the upstream's for a tool.
func (f *fitting) name(own, path string) string {
	if own == "" || f.rules.Takes(own) {
		return own
	}
	if to, ok := f.to[own]; ok {
		return to
	}
	to := f.short(own)
	if f.to == nil {
		f.to = map[string]string{}
	}
	f.to[own] = to
	f.know(to, ownTool{name: own})
	f.l.Changed(cmp.Or(path, "tools")+".name", own, to, "The upstream takes no such name.")
	return to
}

// short is what is left of a name, with a mark of the whole of it: others that leave the same stay others.
func (f *fitting) short(own string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(own)) // a hash takes everything
	mark := "_" + strconv.FormatUint(h.Sum64(), 36)
	clean := f.rules.Clean(own)
	return clean[:min(len(clean), f.rules.LongestName-len(mark))] + mark
}

func (f *fitting) choice(names []string) {
	for i, own := range names {
		name := f.name(own, "tool_choice")
		if name == own {
			continue
		}
		if &f.out.Choice.Names[0] == &names[0] {
			f.out.Choice.Names = slices.Clone(names)
		}
		f.out.Choice.Names[i] = name
	}
}

// turns are those of the prompt; what changes is another copy.
func (f *fitting) turns(list []inference.Turn) {
	for i := range list {
		for j := range list[i].Parts {
			p := list[i].Parts[j]
			if !f.part(&p) {
				continue
			}
			if &f.out.Turns[0] == &list[0] {
				f.out.Turns = slices.Clone(list)
			}
			if parts := f.out.Turns[i].Parts; &parts[0] == &list[i].Parts[0] {
				f.out.Turns[i].Parts = slices.Clone(parts)
			}
			f.out.Turns[i].Parts[j] = p
		}
	}
}

// part reports whether a part is another to the upstream, and makes it that.
func (f *fitting) part(p *inference.Part) bool {
	switch p.Kind {
	case inference.PartCall:
		return f.call(p)
	case inference.PartResult:
		return f.result(p)
	default:
		return false
	}
}

func (f *fitting) call(p *inference.Part) bool {
	name, wrap := f.name(p.Call.Name, p.Path), p.Call.Custom && !f.rules.Custom
	if p.Call.Custom && !wrap {
		f.free = append(f.free, p.Call.ID)
	}
	if name == p.Call.Name && !wrap {
		return false
	}
	call := *p.Call
	call.Name = name
	if wrap {
		call.Custom, p.Text = false, wrapped(p.Text)
	}
	p.Call = &call
	return true
}

func (f *fitting) result(p *inference.Part) bool {
	name := f.name(p.Result.Name, p.Path)
	custom := f.rules.Custom && (p.Result.Custom || slices.Contains(f.free, p.Result.ID))
	if name == p.Result.Name && custom == p.Result.Custom {
		return false
	}
	result := *p.Result
	result.Name, result.Custom = name, custom
	p.Result = &result
	return true
}
