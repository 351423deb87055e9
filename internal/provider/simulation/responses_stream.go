package simulation

import "strings"

// beats are the events of the streamed response. Source: the provider sheet "openai", section 2.
func (a *responseAnswer) beats() []beat {
	a.add("response.created", false, map[string]any{"response": a.object("in_progress", []any{}, false)})
	a.add("response.in_progress", false, map[string]any{"response": a.object("in_progress", []any{}, false)})
	for i := range a.count() {
		a.add("response.output_item.added", false, map[string]any{"output_index": i, "item": a.item(i, "in_progress", false)})
		switch {
		case i < a.thoughts():
			a.think(i)
		case len(a.choice.calls) > 0:
			a.call(i, &a.choice.calls[i-a.thoughts()])
		default:
			a.speak(i)
		}
		a.add("response.output_item.done", false, map[string]any{"output_index": i, "item": a.item(i, "completed", true)})
	}
	a.add("response."+a.ending(), false, map[string]any{"response": a.object(a.ending(), a.items(), true)})
	a.out[len(a.out)-1].last = true
	return a.out
}

// add appends an event.
func (a *responseAnswer) add(name string, token bool, more map[string]any) {
	more["type"], more["sequence_number"] = name, a.sequence
	a.sequence++
	b := beat{event: []byte("event: " + name + "\ndata: " + compact(more) + "\n\n")}
	if token {
		b.tokens = 1
	}
	a.out = append(a.out, b)
}

// of is what the events of an item have in common.
func (a *responseAnswer) of(i int, more map[string]any) map[string]any {
	more["item_id"], more["output_index"] = a.itemID(i), i
	return more
}

func (a *responseAnswer) think(i int) {
	text := strings.Join(a.choice.reasoning, "")
	part := func(text string) map[string]any {
		return a.of(i, map[string]any{"summary_index": 0, "part": map[string]any{"type": "summary_text", "text": text}})
	}
	a.add("response.reasoning_summary_part.added", false, part(""))
	for _, t := range a.choice.reasoning {
		a.add("response.reasoning_summary_text.delta", true, a.of(i, map[string]any{"summary_index": 0, "delta": t}))
	}
	a.add("response.reasoning_summary_text.done", false, a.of(i, map[string]any{"summary_index": 0, "text": text}))
	a.add("response.reasoning_summary_part.done", false, part(text))
}

func (a *responseAnswer) speak(i int) {
	text := strings.Join(a.choice.text, "")
	part := func(text string) map[string]any {
		return a.of(i, map[string]any{"content_index": 0, "part": textPart(text)})
	}
	a.add("response.content_part.added", false, part(""))
	for _, t := range a.choice.text {
		a.add("response.output_text.delta", true, a.of(i, map[string]any{"content_index": 0, "delta": t, "logprobs": []any{}}))
	}
	a.add("response.output_text.done", false, a.of(i, map[string]any{"content_index": 0, "text": text, "logprobs": []any{}}))
	a.add("response.content_part.done", false, part(text))
}

func (a *responseAnswer) call(i int, one *call) {
	for _, t := range one.arguments {
		a.add("response.function_call_arguments.delta", true, a.of(i, map[string]any{"delta": t}))
	}
	a.add("response.function_call_arguments.done", false, a.of(i, map[string]any{
		"name": one.name, "arguments": strings.Join(one.arguments, ""),
	}))
}
