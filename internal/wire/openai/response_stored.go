package openai

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Name is what callers know the response of a task by.
func (responseFormat) Name(task id.ID) string { return Name(PrefixResponse, task) }

// Named is the task of a response's name.
func (responseFormat) Named(name string) (id.ID, bool) { return ParseName(PrefixResponse, name) }

// Stored reads whether the response may be asked for again, and what it continues.
func (responseFormat) Stored(body []byte, a *wire.Ask) wire.StoredAsk {
	f := responseFacts(a)
	return wire.StoredAsk{
		Keep: f.Store, Explicit: f.StoreGiven && f.Store || f.Background, Previous: f.PreviousResponseID, Input: f.spans[keyInput].In(body),
	}
}

// Continue puts the items of a conversation before the request's own.
func (responseFormat) Continue(dst, body []byte, a *wire.Ask, past []wire.Turn, hidden bool) []byte {
	f := responseFacts(a)
	items := []byte{'['}
	for i := range past {
		items = appendItems(items, past[i].Input, true)
		items = appendItems(items, outputOf(past[i].Answer), hidden)
	}
	items = append(appendItems(items, f.spans[keyInput].In(body), true), ']')
	var list []jsonscan.Edit
	if span, ok := f.given(body, keyInput); ok {
		list = append(list, jsonscan.Edit{Field: span, Text: items})
	} else {
		member := append(append([]byte(`"input":`), items...), ',')
		list = append(list, jsonscan.Edit{At: f.insertAt, Text: member})
	}
	if span, ok := f.of(body, keyPreviousResponse); ok {
		list = append(list, jsonscan.Edit{Field: span, Text: []byte("null")})
	}
	return jsonscan.Apply(dst, body, list...)
}

// outputOf are the items of a response.
func outputOf(response []byte) []byte {
	var out [numAnswerParts]jsonscan.Field
	if _, _, err := responseParts.Scan(response, out[:]); err != nil {
		return nil
	}
	return out[rOutput].In(response)
}

// appendItems appends the items of an input, which may be a text, to a list that has begun. Without hidden it leaves out what
// was thought: only the account that had the thoughts can read them.
func appendItems(list, input []byte, hidden bool) []byte {
	if len(input) > 0 && input[0] == '"' {
		list = separated(list)
		list = append(append(append(list, userItemBegin...), input...), userItemEnd...)
		return list
	}
	for it := jsonscan.AnyElements(input); it.Next(); {
		if !hidden && typeOfItem(it.Value) == "reasoning" {
			continue
		}
		list = append(separated(list), it.Value...)
	}
	return list
}

// A text stands for one message of the user's.
const (
	userItemBegin = `{"type":"message","role":"user","content":[{"type":"input_text","text":`
	userItemEnd   = `}]}`
)

func separated(list []byte) []byte {
	if len(list) > 0 && list[len(list)-1] != '[' {
		list = append(list, ',')
	}
	return list
}

// typeOfItem is the type of an item; an item without one is a message.
func typeOfItem(item []byte) string {
	for m := jsonscan.AnyMembers(item); m.Next(); {
		if string(m.Key) == "type" {
			return string(unquoted(m.Value))
		}
	}
	return "message"
}

const (
	nID = iota
	nPrevious
	numNameKeys
)

var nameKeys = jsonscan.NewKeys("id", "previous_response_id")

// Rename calls a response by our names. What the upstream calls it is of no use to the caller.
func (responseFormat) Rename(dst, answer []byte, n *wire.Names) []byte {
	var out [numNameKeys]jsonscan.Field
	_, at, err := nameKeys.Scan(answer, out[:])
	if err != nil {
		return append(dst, answer...)
	}
	list := []jsonscan.Edit{renaming(out[nID], at, "id", n.ID)}
	if n.Previous != "" {
		list = append(list, renaming(out[nPrevious], at, "previous_response_id", n.Previous))
	}
	return jsonscan.Apply(dst, answer, list...)
}

func renaming(span jsonscan.Field, at int, member, name string) jsonscan.Edit {
	value := jsondoc.AppendString(nil, name)
	if span.Found() {
		return jsonscan.Edit{Field: span, Text: value}
	}
	text := append(jsondoc.AppendString(nil, member), ':')
	return jsonscan.Edit{At: at, Text: append(append(text, value...), ',')}
}

// InputItems are the items of a conversation as a list of JSON objects, each with an id: its own, or one that is made of the
// response's name and its place. The answer of the last turn is no input.
func InputItems(past []wire.Turn, name string) [][]byte {
	var list []byte
	for i := range past {
		list = appendItems(list, past[i].Input, true)
		if i < len(past)-1 {
			list = appendItems(list, outputOf(past[i].Answer), true)
		}
	}
	list = append(append([]byte{'['}, list...), ']')
	var items [][]byte
	for it := jsonscan.AnyElements(list); it.Next(); {
		items = append(items, withID(bytes.Clone(it.Value), name, len(items)))
	}
	return items
}

// withID gives an item a name, and its type where it says none.
func withID(item []byte, name string, place int) []byte {
	var out [2]jsonscan.Field
	members, at, err := storedItemKeys.Scan(item, out[:])
	if err != nil {
		return item
	}
	var list []jsonscan.Edit
	if !out[0].Found() || jsonscan.IsNull(item, out[0]) {
		list = append(list, renaming(out[0], at, "id", nameOfItem(name, place)))
	}
	if !out[1].Found() {
		list = append(list, renaming(out[1], at, "type", "message"))
	}
	if members == 0 { // nothing follows what is put in
		last := &list[len(list)-1]
		last.Text = last.Text[:len(last.Text)-1]
	}
	return jsonscan.Apply(nil, item, list...)
}

var storedItemKeys = jsonscan.NewKeys("id", "type")

// ItemID is what an item is called; "" when it has no name.
func ItemID(item []byte) string {
	var out [2]jsonscan.Field
	if _, _, err := storedItemKeys.Scan(item, out[:]); err != nil {
		return ""
	}
	name, err := jsonscan.String(item, out[0])
	if err != nil {
		return ""
	}
	return name
}
