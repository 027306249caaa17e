// What is wrong with what somebody handed in: `field` says which of it, the message is the rule that it breaks.
export class Refused extends Error {
  constructor(field, rule) {
    super(rule);
    this.name = "Refused";
    this.field = field;
  }
}
