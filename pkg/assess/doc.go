// Package assess says how secure a terminal, a key store and the site around them are, and on what that is known.
//
// A control is one thing that is asked, with a weight, a way to mend it and a reference. Its verdict is met, not met, not
// applicable or no evidence, and never a guess. What poskey can measure (Evidence: from a device, the store, its audit log,
// the host, the incidents) decides by itself; where nothing was measured an answer of a named person counts, if it is not
// too old; a person's word never overrules a measurement. Without either there is no evidence, which counts neither for nor
// against: a score is the weight of what is met among what is known, and is never told without its coverage, the weight of
// what is known among what applies.
//
// The catalogue is fixed: an id never changes its meaning, and what incidents taught comes on top of it. A reference is called
// confirmed only where the clause's text was seen. Chance is counted with: among many terminals some different keys have equal
// check values, and only more pairs than chance explains speak against them.
//
// [ReadStore] and [ReadLog] gather evidence from an open store and from a log as it is read; everything else is handed in.
// [Watch] is the list of what will go wrong soon. [Document] is the report in JSON (poskey.assess/v1), [ParseAnswers] reads
// the questionnaire (YAML, poskey.assess-answers/v1).
//
// This package does no I/O but through what it is handed. It changes nothing, and asks the boundary nothing.
package assess
