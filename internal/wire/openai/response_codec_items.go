package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The members of items that have a meaning here.
const (
	itemType = iota
	itemRole
	itemID
	itemStatus
	itemContent
	itemCallID
	itemName
	itemArguments
	itemInput
	itemOutput
	itemSummary
	itemEncrypted
	itemResult
	itemFormat
	numItemKeys
)

var (
	itemNames = [numItemKeys]string{
		"type", "role", "id", "status", "content", "call_id", "name", "arguments", "input", "output", "summary",
		"encrypted_content", "result", "output_format",
	}
	itemKeys  = jsonscan.NewKeys(itemNames[:]...)
	itemKnown = nameSet(itemNames[:])
)

// responseItem is an item of an input or an output.
type responseItem struct {
	raw   []byte
	path  string
	typ   string
	spans [numItemKeys]jsonscan.Field
}

func (i *responseItem) of(member int) []byte { return i.spans[member].In(i.raw) }

// item takes an item apart. One without a type is a message if it has a role.
func (r *responseReader) item(raw []byte, path string) (responseItem, bool) {
	i := responseItem{raw: raw, path: path}
	if !r.scan(itemKeys, raw, i.spans[:], path) {
		r.fail(invalidType(path, "an object"))
		return i, false
	}
	i.typ = r.text(i.of(itemType), path, "type")
	if i.typ == "" && i.spans[itemRole].Found() {
		i.typ = "message"
	}
	if i.typ == "" {
		r.fail(missing(path+".type", "Missing required parameter: '"+path+".type'."))
		return i, false
	}
	return i, true
}

// parts reads what an item says. Items that have no counterpart elsewhere are one part, as they are.
func (r *responseReader) parts(i *responseItem) []inference.Part {
	var part inference.Part
	switch i.typ {
	case "message":
		return r.message(i)
	case "function_call", "custom_tool_call":
		part = r.call(i)
	case "function_call_output", "custom_tool_call_output":
		part = r.result(i)
	case "reasoning":
		part = r.reasoning(i)
	case "image_generation_call":
		part = r.picture(i)
	default:
		part = otherPart(i.raw, i.path)
		part.ID = r.text(i.of(itemID), i.path, "id")
	}
	if part.Kind != inference.PartOther {
		r.others(i.raw, itemKnown, i.path)
	}
	return []inference.Part{part}
}

func otherPart(raw []byte, path string) inference.Part {
	rest := responseRest(path, raw)
	return inference.Part{Kind: inference.PartOther, Other: &rest, Path: path}
}

func (r *responseReader) message(i *responseItem) []inference.Part {
	path := i.path + ".content"
	parts := r.content(i.of(itemContent), path)
	if id := r.text(i.of(itemID), i.path, "id"); id != "" {
		for n := range parts {
			parts[n].ID = id
		}
	}
	r.others(i.raw, itemKnown, i.path)
	return parts
}

// call reads a call. Answers of some servers have no call id; then the item's own stands for it.
func (r *responseReader) call(i *responseItem) inference.Part {
	c := &inference.Call{Custom: i.typ == "custom_tool_call"}
	c.ID = r.required(i.of(itemCallID), i.path, "call_id")
	c.Name = r.required(i.of(itemName), i.path, "name")
	part := inference.Part{Kind: inference.PartCall, Call: c, Path: i.path, ID: r.text(i.of(itemID), i.path, "id")}
	if c.ID == "" {
		c.ID = part.ID
	}
	if c.Custom {
		part.Text = r.text(i.of(itemInput), i.path, "input")
	} else {
		part.Text = r.arguments(i)
	}
	return part
}

// arguments reads a text of JSON. Some servers write the object itself.
func (r *responseReader) arguments(i *responseItem) string {
	if v := i.of(itemArguments); r.lenient && isObject(v) {
		return string(v)
	}
	return r.text(i.of(itemArguments), i.path, "arguments")
}

func (r *responseReader) result(i *responseItem) inference.Part {
	t := &inference.Result{Custom: i.typ == "custom_tool_call_output"}
	t.ID = r.required(i.of(itemCallID), i.path, "call_id")
	t.Parts = r.content(i.of(itemOutput), i.path+".output")
	return inference.Part{Kind: inference.PartResult, Result: t, Path: i.path, ID: r.text(i.of(itemID), i.path, "id")}
}

var partTextKeys = jsonscan.NewKeys("type", "text")

// reasoning reads the summary or, where there is none, the reasoning itself.
func (r *responseReader) reasoning(i *responseItem) inference.Part {
	part := inference.Part{Kind: inference.PartReasoning, Path: i.path, ID: r.text(i.of(itemID), i.path, "id")}
	part.Text = r.paragraphs(i.of(itemSummary), i.path+".summary")
	if part.Text == "" {
		part.Text = r.paragraphs(i.of(itemContent), i.path+".content")
	}
	part.Seal = r.seal(r.text(i.of(itemEncrypted), i.path, "encrypted_content"))
	return part
}

// seal reads encrypted content. That of an upstream is its own affair, whatever it looks like.
func (r *responseReader) seal(content string) *inference.Seal {
	if r.lenient && content != "" {
		return &inference.Seal{Dialect: inference.OpenAI, Data: content, Whole: true}
	}
	seal, _ := unwrapSeal(content)
	return seal
}

// paragraphs joins the texts of a list of parts.
func (r *responseReader) paragraphs(list []byte, path string) string {
	var texts []string
	n := 0
	for it := r.list(list, path, ""); it.Next(); n++ {
		var out [2]jsonscan.Field
		at := indexPath(path, n)
		if r.scan(partTextKeys, it.Value, out[:], at) {
			texts = append(texts, r.text(out[1].In(it.Value), at, "text"))
		}
	}
	return strings.Join(texts, "\n\n")
}

// picture reads one that the model made. An item without its picture is none.
func (r *responseReader) picture(i *responseItem) inference.Part {
	data := r.text(i.of(itemResult), i.path, "result")
	if data == "" {
		return otherPart(i.raw, i.path)
	}
	format := r.text(i.of(itemFormat), i.path, "output_format")
	if format == "" {
		format = "png"
	}
	media := &inference.Media{Data: data, Type: "image/" + format}
	return inference.Part{Kind: inference.PartImage, Media: media, Path: i.path, ID: r.text(i.of(itemID), i.path, "id")}
}
