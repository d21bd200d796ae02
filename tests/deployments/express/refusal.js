// The errors of the specification ("Error codes"), with the status of each.

const STATUSES = {
  ValidationException: 400,
  InvalidStateException: 400,
  InvalidCiphertextException: 400,
  InvalidKeyUsageException: 400,
  AuthenticationFailedException: 401,
  KeyNotFoundException: 404,
  InvalidUriPathException: 404,
  InternalException: 500,
  UnsupportedOperationException: 501,
};

export class Refusal extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
    this.status = STATUSES[name];
  }
}
