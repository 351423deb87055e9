package sound

import (
	"encoding/binary"
	"time"
)

// The formats of samples whose size follows from the header.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagALaw       = 6
	tagMuLaw      = 7
	tagExtensible = 0xFFFE
)

// wavDuration counts the samples that are there, whatever the header says of their number: files that were written as they came
// do not know it.
func wavDuration(b []byte) (time.Duration, bool) {
	var perSecond, size uint64
	EachChunk(b, func(name string, content []byte) {
		switch {
		case name == "fmt " && len(content) >= 16:
			perSecond = sampleBytes(content)
		case name == "data":
			size += uint64(len(content))
		}
	})
	return claimed(size, perSecond, 0)
}

// sampleBytes is how many bytes of samples make a second; 0 where that is not fixed.
func sampleBytes(format []byte) uint64 {
	tag := binary.LittleEndian.Uint16(format)
	channels, hertz := binary.LittleEndian.Uint16(format[2:]), binary.LittleEndian.Uint32(format[4:])
	bits := binary.LittleEndian.Uint16(format[14:])
	switch tag {
	case tagPCM, tagFloat, tagALaw, tagMuLaw, tagExtensible:
		return uint64(channels) * uint64(hertz) * uint64(bits) / 8
	}
	return 0
}

// EachChunk walks over the chunks of a RIFF file. The last one may be shorter than it says.
func EachChunk(b []byte, visit func(name string, content []byte)) {
	const head = 8
	for at := 12; at+head <= len(b); {
		size := uint64(binary.LittleEndian.Uint32(b[at+4:]))
		content := b[at+head:]
		content = content[:min(size, uint64(len(content)))]
		visit(string(b[at:at+4]), content)
		at += head + len(content) + len(content)&1
	}
}
