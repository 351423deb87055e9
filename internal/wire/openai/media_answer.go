package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

var pictureKeys = jsonscan.NewKeys("url", "b64_json")

const (
	inURL = iota
	inBase64
	numPictureKeys
)

// Answer checks that an answer holds pictures, and counts them. The tokens are known only where the upstream tells them.
func (f imageFormat) Answer(body []byte) (wire.Metered, bool) {
	if !holds(body, shapeData) {
		return wire.Metered{}, false
	}
	pictures := f.Media(body)
	for _, p := range pictures {
		if p.URL == "" && len(p.Data) == 0 {
			return wire.Metered{}, false
		}
	}
	u, told := Usage(f.kind, body)
	u.Quantities[inference.Image] = int64(len(pictures))
	return wire.Metered{Usage: u, Known: told}, len(pictures) > 0
}

// Media lists the pictures of an answer.
func (imageFormat) Media(body []byte) (out []wire.Medium) {
	eachPicture(body, func(picture []byte, spans *[numPictureKeys]jsonscan.Field) {
		var m wire.Medium
		if data := unquoted(spans[inBase64].In(picture)); len(data) > 0 {
			m.Data = data
		} else if url, err := jsonscan.String(picture, spans[inURL]); err == nil {
			m.URL = url
		}
		out = append(out, m)
	})
	return out
}

// eachPicture walks over the elements of data.
func eachPicture(body []byte, visit func(picture []byte, spans *[numPictureKeys]jsonscan.Field)) {
	var out [numShapes]jsonscan.Field
	if _, _, err := shapeKeys.Scan(body, out[:]); err != nil {
		return
	}
	for it := jsonscan.AnyElements(out[shapeData].In(body)); it.Next(); {
		var spans [numPictureKeys]jsonscan.Field
		if isObject(it.Value) {
			if _, _, err := pictureKeys.Scan(it.Value, spans[:]); err != nil {
				spans = [numPictureKeys]jsonscan.Field{}
			}
		}
		visit(it.Value, &spans)
	}
}

// WithMedia exchanges the pictures of an answer; everything else of it stays.
func (imageFormat) WithMedia(dst, body []byte, media []wire.Medium) []byte {
	var edits []jsonscan.Edit
	eachPicture(body, func(picture []byte, spans *[numPictureKeys]jsonscan.Field) {
		// Both slices end where the answer's memory ends, so the difference of their capacities is their distance.
		edits = appendExchange(edits, picture, spans, &media[0], cap(body)-cap(picture))
		media = media[1:]
	})
	return jsonscan.Apply(dst, body, edits...)
}

// appendExchange puts a medium under its own name, where there was one; the other name is made null, or makes room.
func appendExchange(
	edits []jsonscan.Edit, picture []byte, spans *[numPictureKeys]jsonscan.Field, m *wire.Medium, at int,
) []jsonscan.Edit {
	name, value, own, other := `"url":`, jsondoc.AppendString(nil, m.URL), spans[inURL], spans[inBase64]
	if len(m.Data) > 0 {
		name, value = `"b64_json":`, append(append([]byte{'"'}, m.Data...), '"')
		own, other = other, own
	}
	shift := func(f jsonscan.Field) jsonscan.Field { return jsonscan.Field{Start: at + f.Start, End: at + f.End} }
	switch {
	case own.Found() && other.Found():
		return append(edits, jsonscan.Edit{Field: shift(own), Text: value}, jsonscan.Edit{Field: shift(other), Text: tokenNull})
	case own.Found():
		return append(edits, jsonscan.Edit{Field: shift(own), Text: value})
	}
	other.Start = jsonscan.Key(picture, other).Start
	return append(edits, jsonscan.Edit{Field: shift(other), Text: append([]byte(name), value...)})
}

// Meter returns a meter for a stream of pictures that take shape.
func (f imageFormat) Meter(o wire.MeterOptions) wire.Meter {
	if f.kind == inference.ImageEdits {
		return newEventMeter(editEvents, o)
	}
	return newEventMeter(generationEvents, o)
}
