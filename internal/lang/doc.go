// Package lang holds every sentence that a person reads. The English text is the key;
// the zh_*.go files are the Chinese catalogue, one file per concept.
//
// Rules for a message:
//
//   - Say what is, then what to do. An error names what failed; its hint is a command
//     that works when it is typed.
//   - Plain English, short, in standard word order: verb first for an action, noun for a
//     state, the actor as subject, present tense.
//   - One word for one concept: GLOSSARY.md settles it in both languages.
//   - Never calm without proof. What was not checked is "unknown" or "not checked", never
//     "ok"; an estimate says "about".
//   - A number has its unit. A time is written in the machine's zone.
//   - The key is a literal and a whole sentence or a whole label. It is not joined from
//     pieces, and no argument is an English word: an argument is a name, a number, a
//     command or another Msg.
//   - An error begins in lower case and has no full stop; a sentence on a screen or in a
//     report has a capital and a full stop.
//   - No secret is ever an argument.
//
// The tests of this package walk the whole tree. They fail for a key without a Chinese
// sentence, for a word that the glossary retires, and for a message that does not render.
package lang
