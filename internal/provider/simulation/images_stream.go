package simulation

import (
	"encoding/base64"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/inference"
)

const maxPartialImages = 3

// partialImages is how many pictures the caller wants to see on the way to each.
func partialImages(body []byte) int {
	var in struct {
		PartialImages int `json:"partial_images"`
	}
	_ = json.Unmarshal(body, &in) // of another type is none
	return max(0, min(in.PartialImages, maxPartialImages))
}

// imageBeats are the events of streamed pictures: coarse ones on the way to each.
func (e *engine) imageBeats(kind inference.Kind, r *imagesRequest, p plan) []beat {
	prefix := "image_generation."
	if kind == inference.ImageEdits {
		prefix = "image_edit."
	}
	var out []beat
	add := func(name string, tokens int, more map[string]any) {
		more["type"], more["created_at"], more["output_format"] = prefix+name, e.now().Unix(), "png"
		out = append(out, beat{event: []byte("event: " + prefix + name + "\ndata: " + compact(more) + "\n\n"), tokens: tokens})
	}
	share := perPicture / (r.partial + 1)
	for i := range int(r.N) {
		for part := range r.partial {
			coarse := 1 << (r.partial - part + 2)
			picture := r.png(i, max(minEdge, r.width/coarse), max(minEdge, r.height/coarse))
			add("partial_image", share, map[string]any{"partial_image_index": part, "b64_json": base64.StdEncoding.EncodeToString(picture)})
		}
		more := map[string]any{"b64_json": base64.StdEncoding.EncodeToString(r.png(i, r.width, r.height))}
		if p.fault != faultNoUsage {
			more["usage"] = r.usage(1)
		}
		add("completed", share, more)
	}
	out[len(out)-1].last = true
	return out
}
