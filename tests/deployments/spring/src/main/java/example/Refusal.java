package example;

import java.util.Map;

/** An error of the specification ("Error codes"). */
public class Refusal extends RuntimeException {
    private static final Map<String, Integer> STATUSES = Map.of(
        "ValidationException", 400,
        "InvalidStateException", 400,
        "InvalidCiphertextException", 400,
        "InvalidKeyUsageException", 400,
        "AuthenticationFailedException", 401,
        "KeyNotFoundException", 404,
        "InvalidUriPathException", 404,
        "InternalException", 500,
        "UnsupportedOperationException", 501);

    public record Body(String errorName, String errorMessage) {}

    private final Body body;

    public Refusal(String name, String message) {
        super(name + ": " + message);
        body = new Body(name, message);
    }

    public Body body() {
        return body;
    }

    public int status() {
        return STATUSES.get(body.errorName());
    }
}
