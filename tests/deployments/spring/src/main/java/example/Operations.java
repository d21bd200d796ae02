package example;

import example.ExternalKey.Sealed;
import example.Messages.DecryptRequest;
import example.Messages.DecryptResponse;
import example.Messages.EncryptRequest;
import example.Messages.EncryptResponse;
import example.Messages.Health;
import example.Messages.KeyManager;
import example.Messages.KeyMetadata;
import example.Messages.Request;
import example.Messages.RequestMetadata;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
class Operations {
    private static final Logger LOG = LoggerFactory.getLogger(Operations.class);
    private static final int MAX_AAD = 65535; // its length is framed in two bytes

    private final Map<String, ExternalKey> keys = Map.of(
        "usable", new ExternalKey(true, "ENCRYPT", "DECRYPT"),
        "second", new ExternalKey(true, "ENCRYPT", "DECRYPT"),
        "encrypt-only", new ExternalKey(true, "ENCRYPT"),
        "decrypt-only", new ExternalKey(true, "DECRYPT"),
        "disabled", new ExternalKey(false, "ENCRYPT", "DECRYPT"));

    @GetMapping("/ping")
    String ping() {
        return "";
    }

    @PostMapping("${XKS_URI_PATH}/health")
    Health health(@RequestBody Request request) {
        LOG.info("GetHealthStatus {}", request);
        return new Health(
            1,
            "Example",
            "Spring Boot proxy 1.0",
            "Example",
            List.of(new KeyManager("memory", "In memory 1.0", "ACTIVE")));
    }

    @PostMapping("${XKS_URI_PATH}/keys/{id}/metadata")
    KeyMetadata metadata(@PathVariable String id, @RequestBody Request request) {
        ExternalKey key = found(id, request.requestMetadata());
        return new KeyMetadata("AES_256", key.usage, key.enabled ? "ENABLED" : "DISABLED");
    }

    @PostMapping("${XKS_URI_PATH}/keys/{id}/encrypt")
    EncryptResponse encrypt(@PathVariable String id, @RequestBody EncryptRequest request) {
        ExternalKey key = usable(id, "ENCRYPT", request.requestMetadata());
        byte[] plaintext = request.plaintext();
        String cdiv = request.ciphertextDataIntegrityValueAlgorithm();
        only("AES_GCM", request.encryptionAlgorithm());
        if (plaintext == null) {
            throw new Refusal("ValidationException", "plaintext is missing.");
        }
        if (cdiv != null) {
            only("SHA_256", cdiv);
        }
        byte[] aad = additionalData(request.additionalAuthenticatedData());
        Sealed sealed = key.seal(plaintext, aad);
        byte[] integrity = null;
        if (cdiv != null) {
            // The value first, then the test decryption (Appendix C).
            integrity = integrityValue(aad, sealed);
            if (!Arrays.equals(plaintext, key.open(sealed, aad))) {
                throw new Refusal("InternalException", "The ciphertext does not decrypt.");
            }
        }
        return new EncryptResponse(sealed.ciphertext(), sealed.iv(), sealed.tag(), integrity);
    }

    @PostMapping("${XKS_URI_PATH}/keys/{id}/decrypt")
    DecryptResponse decrypt(@PathVariable String id, @RequestBody DecryptRequest request) {
        ExternalKey key = usable(id, "DECRYPT", request.requestMetadata());
        only("AES_GCM", request.encryptionAlgorithm());
        byte[] ciphertext = request.ciphertext();
        byte[] iv = request.initializationVector();
        byte[] tag = request.authenticationTag();
        if (ciphertext == null || iv == null || tag == null) {
            throw new Refusal("InvalidCiphertextException", "A part is missing.");
        }
        // Encrypt returns none, so any that comes was altered.
        if (request.ciphertextMetadata() != null) {
            throw new Refusal("InvalidCiphertextException", "There is no ciphertextMetadata.");
        }
        byte[] aad = additionalData(request.additionalAuthenticatedData());
        return new DecryptResponse(key.open(new Sealed(ciphertext, iv, tag), aad));
    }

    private ExternalKey usable(String id, String usage, RequestMetadata metadata) {
        ExternalKey key = found(id, metadata);
        if (!key.enabled) {
            throw new Refusal("InvalidStateException", "The key is disabled.");
        }
        if (!key.usage.contains(usage)) {
            throw new Refusal("InvalidKeyUsageException", "The key does not support this.");
        }
        return key;
    }

    private ExternalKey found(String id, RequestMetadata metadata) {
        LOG.info("key {} {}", id, metadata);
        ExternalKey key = keys.get(id);
        if (key == null) {
            throw new Refusal("KeyNotFoundException", "There is no such key.");
        }
        if (metadata == null) {
            throw new Refusal("ValidationException", "requestMetadata is missing.");
        }
        return key;
    }

    private static void only(String expected, String given) {
        if (!expected.equals(given)) {
            throw new Refusal("ValidationException", "Only " + expected + " is supported.");
        }
    }

    private static byte[] additionalData(byte[] data) {
        if (data == null) {
            return new byte[0];
        }
        if (data.length > MAX_AAD) {
            throw new Refusal(
                "UnsupportedOperationException", "There are too many additional data.");
        }
        return data;
    }

    private static byte[] integrityValue(byte[] aad, Sealed sealed) {
        try {
            MessageDigest hash = MessageDigest.getInstance("SHA-256");
            for (byte[] part : List.of(aad, sealed.iv(), sealed.ciphertext(), sealed.tag())) {
                hash.update(part);
            }
            return hash.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
