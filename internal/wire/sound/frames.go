package sound

import "time"

// ticks are how many make a second: every sampling rate that frames can have divides it.
const ticks = 28_224_000

// frame is one frame of a stream of them: its length in bytes and its time in ticks.
type frame struct {
	size int
	time int64
}

// framesDuration adds up frames. What is between them is skipped, as decoders do.
func framesDuration(b []byte, read func([]byte) (frame, bool)) (time.Duration, bool) {
	var sum int64
	for at := 0; at < len(b); {
		f, ok := read(b[at:])
		if !ok {
			at++
			continue
		}
		sum += f.time
		at += f.size
	}
	return time.Duration(sum/ticks)*time.Second + time.Duration(sum%ticks*1_000_000/ticks)*time.Microsecond, sum > 0
}

// afterID3 is what follows the tag at the beginning of a file.
func afterID3(b []byte) []byte {
	const head = 10
	if len(b) < head || string(b[:3]) != "ID3" {
		return b
	}
	size := head
	for i, c := range b[6:head] {
		size += int(c&0x7F) << (7 * (3 - i))
	}
	if b[5]&0x10 != 0 { // a footer
		size += head
	}
	return b[min(size, len(b)):]
}

var (
	mp3Rates    = [3]int64{44_100, 48_000, 32_000}
	mp3BitRates = [2][3][15]int{ // by version 1 or later, and layer 1 to 3, in kbit/s
		{
			{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
			{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
			{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		},
		{
			{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
			{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
			{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		},
	}
)

// mp3Frame reads the header of an MPEG audio frame of any version and layer.
func mp3Frame(b []byte) (frame, bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return frame{}, false
	}
	version, layer := b[1]>>3&3, 4-int(b[1]>>1&3)
	bits, rate := int(b[2]>>4), int(b[2]>>2&3)
	if version == 1 || layer == 4 || bits == 0 || bits == 15 || rate == 3 {
		return frame{}, false
	}
	late, hertz := 0, mp3Rates[rate]
	switch version {
	case 2:
		late, hertz = 1, hertz/2
	case 0:
		late, hertz = 1, hertz/4
	}
	samples := int64([...]int{384, 1152, 1152}[layer-1])
	if late == 1 && layer == 3 {
		samples = 576
	}
	padding := int(b[2] >> 1 & 1)
	if layer == 1 {
		padding *= 4
	}
	size := int(samples)*mp3BitRates[late][layer-1][bits]*125/int(hertz) + padding
	if layer == 1 {
		size = size / 4 * 4
	}
	return frame{size: max(size, 4), time: samples * (ticks / hertz)}, true
}

var adtsRates = [13]int64{96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350}

// adtsFrame reads the header of a frame of AAC.
func adtsFrame(b []byte) (frame, bool) {
	if len(b) < 7 || b[0] != 0xFF || b[1]&0xF6 != 0xF0 {
		return frame{}, false
	}
	rate := int(b[2] >> 2 & 15)
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	if rate >= len(adtsRates) || size < 7 {
		return frame{}, false
	}
	blocks := int64(b[6]&3) + 1
	return frame{size: size, time: 1024 * blocks * (ticks / adtsRates[rate])}, true
}
