// Package inference holds the words in which the core speaks of model calls, whatever protocol they came in.
package inference

// Resource is something that a call consumes and a price is set for.
type Resource uint8

// The resources. No unit is ever counted in two of them: cached input is not part of TextInput, reasoning not part of
// TextOutput, and so on; wire packages take providers' inclusive figures apart.
const (
	TextInput Resource = iota
	TextInputCached
	TextCacheWrite
	TextCacheWrite1h
	TextOutput
	TextReasoning
	ImageInput
	ImageOutput
	AudioInput
	AudioOutput
	Image
	VideoSecond
	AudioSecond
	Characters
	Request
	TrainingStep
	Search
	NumResources
)

var resourceNames = [NumResources]string{
	"text_input", "text_input_cached", "text_cache_write", "text_cache_write_1h", "text_output", "text_reasoning",
	"image_input", "image_output", "audio_input", "audio_output", "image", "video_second", "audio_second", "characters",
	"request", "training_step", "search",
}

// String returns the resource's name as contracts and tables write it.
func (r Resource) String() string {
	if r < NumResources {
		return resourceNames[r]
	}
	return "unknown"
}

// ParseResource reads a name.
func ParseResource(name string) (Resource, bool) {
	for r, n := range resourceNames {
		if n == name {
			return Resource(r), true
		}
	}
	return NumResources, false
}

// Quantities counts each resource in its natural unit: tokens, images, seconds, characters, requests.
type Quantities [NumResources]int64

// Resources is a set of resources. The zero value is empty.
type Resources uint32

// ResourcesOf returns the set of the resources named.
func ResourcesOf(list ...Resource) (s Resources) {
	for _, r := range list {
		s |= 1 << r
	}
	return s
}

// Has reports whether the resource is in the set.
func (s Resources) Has(r Resource) bool { return s&(1<<r) != 0 }

// Usage is what a call consumed. The zero value is nothing.
type Usage struct {
	Quantities
	// Estimated says that Gantry counted, because the provider told nothing that can be trusted.
	Estimated bool
}

// InputTokens is the sum of all input token classes.
func (u *Usage) InputTokens() int64 {
	return u.Quantities[TextInput] + u.Quantities[TextInputCached] + u.Quantities[TextCacheWrite] +
		u.Quantities[TextCacheWrite1h] + u.Quantities[ImageInput] + u.Quantities[AudioInput]
}

// OutputTokens is the sum of all output token classes.
func (u *Usage) OutputTokens() int64 {
	return u.Quantities[TextOutput] + u.Quantities[TextReasoning] + u.Quantities[ImageOutput] + u.Quantities[AudioOutput]
}

// IsZero reports whether nothing was consumed.
func (u *Usage) IsZero() bool { return u.Quantities == Quantities{} }
