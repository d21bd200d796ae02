package example;

import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The signature of a request, verified (Appendix A, tasks 1 to 4). */
final class Signature {
    private static final Pattern AUTHORIZATION = Pattern.compile(
        "AWS4-HMAC-SHA256 Credential=([A-Z2-7]{20,30})/"
            + "(([0-9]{8})/([a-z0-9-]+)/kms-xks-proxy/aws4_request), *"
            + "SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})");
    private static final DateTimeFormatter TIMESTAMP =
        DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'");
    private static final SimpleDateFormat SHARED = new SimpleDateFormat("yyyyMMdd'T'HHmmss'Z'");
    private static final Duration RECENT = Duration.ofMinutes(5);

    static {
        SHARED.setTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC));
    }

    private Signature() {}

    static boolean isAuthentic(
        HttpServletRequest request, byte[] body, Map<String, String> credentials) {
        Matcher parts = AUTHORIZATION.matcher(header(request, "authorization"));
        String timestamp = header(request, "x-amz-date");
        if (!parts.matches() || !isRecent(timestamp)) {
            return false;
        }
        String scope = parts.group(2);
        String date = parts.group(3);
        List<String> signed = List.of(parts.group(5).split(";"));
        String secret = credentials.get(parts.group(1));
        boolean complete = signed.contains("host") && signed.contains("x-amz-date");
        if (secret == null || !complete || !timestamp.startsWith(date)) {
            return false;
        }
        StringBuilder headers = new StringBuilder();
        for (String name : signed) {
            headers.append(name).append(':').append(header(request, name)).append('\n');
        }
        String query = request.getQueryString();
        String canonical = String.join(
            "\n",
            request.getMethod(),
            request.getRequestURI(),
            query == null ? "" : query,
            headers,
            parts.group(5),
            sha256(body));
        String text = String.join(
            "\n", "AWS4-HMAC-SHA256", timestamp, scope, sha256(bytes(canonical)));
        byte[] key = bytes("AWS4" + secret);
        for (String part : scope.split("/")) {
            key = hmac(key, part);
        }
        byte[] given = HexFormat.of().parseHex(parts.group(6));
        return MessageDigest.isEqual(hmac(key, text), given);
    }

    private static String header(HttpServletRequest request, String name) {
        List<String> values = Collections.list(request.getHeaders(name));
        return String.join(",", values).trim().replaceAll(" +", " ");
    }

    private static boolean isRecent(String timestamp) {
        try {
            Instant sent = instant(timestamp);
            return Duration.between(sent, Instant.now()).abs().compareTo(RECENT) <= 0;
        } catch (DateTimeParseException | ParseException e) {
            return false;
        }
    }

    private static Instant instant(String timestamp) throws ParseException {
        if (XksProxy.wrong("shared-date-format")) {
            return SHARED.parse(timestamp).toInstant();
        }
        return LocalDateTime.parse(timestamp, TIMESTAMP).toInstant(ZoneOffset.UTC);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(bytes(text));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String sha256(byte[] data) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
