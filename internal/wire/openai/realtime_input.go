package openai

import (
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// RealtimeInput is what was said to a session, by how much it can be of what it is charged for.
type RealtimeInput struct { //nolint:recvcheck // a value, which is added to while an event is read
	// TextBytes are those of texts as they are written, which no tokenizer makes more tokens of; Text is an estimate.
	TextBytes, Text int64
	// AudioBytes are those of sound, Images how many pictures there are.
	AudioBytes, Images int64
}

// Plus returns the sum of two inputs.
func (i RealtimeInput) Plus(o RealtimeInput) RealtimeInput {
	return RealtimeInput{i.TextBytes + o.TextBytes, i.Text + o.Text, i.AudioBytes + o.AudioBytes, i.Images + o.Images}
}

// Minus returns what is left of an input without another that is a part of it.
func (i RealtimeInput) Minus(o RealtimeInput) RealtimeInput {
	return RealtimeInput{i.TextBytes - o.TextBytes, i.Text - o.Text, i.AudioBytes - o.AudioBytes, i.Images - o.Images}
}

// add counts a JSON text as text.
func (i *RealtimeInput) add(raw []byte) {
	i.TextBytes += int64(len(raw))
	i.Text += EstimateTokens(raw)
}

var (
	realtimeItemKeys    = jsonscan.NewKeys("content")
	realtimeContentKeys = jsonscan.NewKeys("audio", "image_url")
)

// addItem counts an item of a conversation: what is neither sound nor a picture is text.
func (i *RealtimeInput) addItem(item []byte) error {
	if !isObject(item) {
		return nil // the upstream says that it is none
	}
	var f [1]jsonscan.Field
	if _, _, err := realtimeItemKeys.Scan(item, f[:]); err != nil {
		return scanError(err)
	}
	content := f[0]
	i.add(item[:content.Start])
	i.add(item[content.End:])
	if raw := content.In(item); len(raw) == 0 || raw[0] != '[' {
		i.add(raw)
		return nil
	}
	it := jsonscan.Elements(content.In(item))
	for it.Next() {
		if err := i.addContent(it.Value); err != nil {
			return err
		}
	}
	return scanned(it.Err)
}

func scanned(err error) error {
	if err == nil {
		return nil
	}
	return scanError(err)
}

// addContent counts a piece of an item.
func (i *RealtimeInput) addContent(piece []byte) error {
	if !isObject(piece) {
		i.add(piece)
		return nil
	}
	var f [2]jsonscan.Field
	if _, _, err := realtimeContentKeys.Scan(piece, f[:]); err != nil {
		return scanError(err)
	}
	rest := piece
	if sound := f[0]; sound.Found() && !jsonscan.IsNull(piece, sound) {
		i.AudioBytes += decoded(sound)
		rest = jsonscan.Apply(nil, rest, jsonscan.Edit{Field: sound, Text: []byte(`""`)})
	}
	if picture := f[1]; picture.Found() && !jsonscan.IsNull(piece, picture) {
		i.Images++
		rest = rest[:max(0, len(rest)-(picture.End-picture.Start))] // how it is written does not count
	}
	i.add(rest)
	return nil
}

// decoded is how many bytes a text of base64 stands for, at most.
func decoded(f jsonscan.Field) int64 { return int64(f.End-f.Start-2) * 3 / 4 }
