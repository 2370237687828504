package diagnose

// What texts and logs are heard with.

import (
	"sync"

	"poskey/pkg/errorcode"
)

// Ears are what texts and logs are heard with: the dictionary of codes, the sayings and the patterns. Making them takes
// as long as hearing some texts, so whoever hears several makes them once and hands them in: a Case and LogOptions
// take them. They are read-only, and may be used by many at once.
type Ears struct {
	dictionary *errorcode.Dictionary
	topics     []topic
	calm       *calmer
	values     []*sieve // two check values held against each other
	places     *sieve
	makers     []maker
	rules      *codeRules
	harmless   []topic // what is no trouble of a key
	keys       pattern // words of keys
	log        func() *logWords
}

// NewEars opens the dictionary that is built in.
func NewEars() (*Ears, error) {
	d, err := errorcode.Open()
	if err != nil {
		return nil, err
	}
	return &Ears{dictionary: d, topics: topics(), calm: newCalmer(), values: valuePatterns(), places: placePattern(),
		makers: makersOf(d), rules: newCodeRules(), harmless: []topic{topicOf(nothingOfKeys(), true)}, keys: patternOf(wordsOfKeys),
		log: sync.OnceValue(newLogWords)}, nil
}

// earsOr gives ears that were handed in, or new ones.
func earsOr(handed *Ears) (*Ears, error) {
	if handed != nil {
		return handed, nil
	}
	return NewEars()
}
