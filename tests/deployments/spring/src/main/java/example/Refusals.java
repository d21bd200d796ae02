package example;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.resource.NoResourceFoundException;

/** Errors in the words of the specification, where Spring has its own ("Error codes"). */
@RestControllerAdvice
class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    @ExceptionHandler
    ResponseEntity<Object> refused(Exception exception) {
        Refusal refusal = asRefusal(exception);
        LOG.info("{}", refusal.getMessage());
        return ResponseEntity.status(refusal.status()).body(refusal.body());
    }

    /** "API operations": a GET is a 405. */
    @ExceptionHandler
    ResponseEntity<Object> refused(HttpRequestMethodNotSupportedException exception) {
        return ResponseEntity.status(405).headers(exception.getHeaders()).build();
    }

    private static Refusal asRefusal(Exception exception) {
        if (exception instanceof Refusal refusal) {
            return refusal;
        }
        if (exception instanceof HttpMessageNotReadableException
            || exception instanceof HttpMediaTypeNotSupportedException) {
            // Jackson's own message may have line breaks, and a part of the body.
            String message = XksProxy.wrong("message-of-jackson")
                ? NestedExceptionUtils.getMostSpecificCause(exception).getMessage()
                : "The body is malformed.";
            return new Refusal("ValidationException", message);
        }
        if (exception instanceof NoResourceFoundException && !XksProxy.wrong("catch-all")) {
            return new Refusal("InvalidUriPathException", "There is no such path.");
        }
        LOG.error("unexpected", exception);
        return new Refusal("InternalException", "");
    }
}
